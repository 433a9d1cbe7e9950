"""Two small kernel texts, and what the equivalence engine says of them."""

from __future__ import annotations

from xpiler_jupyter.dataflow.proof.build import program
from xpiler_jupyter.dataflow.proof.model import Program, Unknown
from xpiler_jupyter.dataflow.proof.prove import Proof, prove
from xpiler_jupyter.frontend import parse
from xpiler_jupyter.frontend.meanings import with_meanings
from xpiler_jupyter.platforms import registry
from xpiler_jupyter.verify.caller import guarded, scalars_of, words_of


def c(body: str, params: str = "const float* A, const float* B, float* C") -> str:
    """A plain C kernel."""
    return f'extern "C" void k({params}) {{\n{body}\n}}\n'


def cuda(body: str, threads: int = 64, blocks: int = 1, params: str = "const float* A, const float* B, float* C") -> str:
    """A CUDA kernel with its launch."""
    names = ", ".join(p.replace("*", " ").split()[-1] for p in params.split(","))
    return (f"__global__ void dev({params}) {{\n{body}\n}}\n"
            f'extern "C" void k({params}) {{ dev<<<{blocks}, {threads}>>>({names}); }}\n')


def built(text: str, sizes: dict[str, int] | None = None) -> Program:
    """The kernel of a text as statements; its buffers by their names. Sizes left open are at least 1."""
    platform = registry.detect(text, None)
    kernel = with_meanings(parse(text, platform))
    if any(p.name not in (sizes or {}) for p in scalars_of(kernel)):
        kernel = guarded(kernel, kernel.assume)
    return program(kernel, sizes or {}, words_of(platform), {p.name: p.name for p in kernel.params if p.pointer})


def asked(a: str, b: str, **sizes: int) -> Proof:
    """Are the two texts equal? A text outside the proofs gives an answer with the reason, too."""
    try:
        return prove(built(a, sizes), built(b, sizes))
    except Unknown as why:
        return Proof(False, str(why))

"""Atomic updates: which row a call is, what stays a call, what becomes an ordinary update, and what is a race."""

from __future__ import annotations

import pytest

from xpiler_jupyter.dataflow.dependences import races
from xpiler_jupyter.errors import IllegalPassError, XpilerError
from xpiler_jupyter.frontend import parse
from xpiler_jupyter.frontend.meanings import with_meanings
from xpiler_jupyter.ir.nodes import For, InstrCall, Kernel, Store
from xpiler_jupyter.ir.visit import walk
from xpiler_jupyter.passes import _registry as passes
from xpiler_jupyter.platforms import registry
from xpiler_jupyter.platforms.atomics import MEMORIES

CUDA, HIP, C = registry.get("cuda"), registry.get("hip"), registry.meeting_point()
PARAMS = "const int* key, int* a, unsigned* u, unsigned long long* w, float* f, double* d, int n"


def kernel(body: str, platform: str = "cuda") -> Kernel:
    return parse(f"__global__ void k({PARAMS}) {{\n{body}\n}}\nvoid host({PARAMS}) "
                 f"{{ k<<<4, 64>>>(key, a, u, w, f, d, n); }}", platform)


def calls(k: Kernel) -> list[str]:
    return [n.instr for n in walk(k.body) if isinstance(n, InstrCall)]


@pytest.mark.parametrize(("text", "row"), [
    ("atomicAdd(a, 1)", "atomicAdd.i32"), ("atomicAdd(u + 3, 1)", "atomicAdd.u32"), ("atomicAdd(&w[2], 1ull)", "atomicAdd.u64"),
    ("atomicAdd(f, 1)", "atomicAdd.f32"), ("atomicAdd(&d[n], 0.5)", "atomicAdd.f64"),
    ("int old = atomicMax(a, n)", "atomicMax.i32.old"), ("u[0] = 1 + atomicCAS(a + 1, 2, 3)", "atomicCAS.i32.old"),
    ("if (atomicInc(u, 3) == 3) a[0] = 1", "atomicInc.u32.old"), ("f[atomicAdd(a, 1)] = 2", "atomicAdd.i32.old"),
    ("atomicAdd_block(a, 1)", "atomicAdd.i32"), ("atomicAdd_system(a, 1)", "atomicAdd_system.i32"),
    ("__threadfence_block()", "__threadfence_block"),
])
def test_the_row_of_a_call(text: str, row: str) -> None:
    assert calls(kernel(text + ";")) == [row]


@pytest.mark.parametrize("word", ["unsafeAtomicAdd", "safeAtomicAdd"])
def test_words_of_hip_alone(word: str) -> None:
    k = kernel(f"{word}(&f[threadIdx.x], 1.0f);", "hip")
    assert calls(k) == ["atomicAdd.f32"]
    moved = passes.get("loop_bind").apply(k, CUDA, same_axes=True).kernel
    assert "  atomicAdd(&f[threadIdx.x], 1.0f);" in CUDA.emit(moved)


@pytest.mark.parametrize(("text", "message"), [
    ("float x = 0; x += 1; atomicAdd(&x, 1.0f);", "lies in local memory"),
    ("a[0] = a[1] + atomicAdd(&a[2], 1);", "the order is not clear"),
    ("atomicXor(f, 1);", "with these operands is not supported"),
    ("if (n > 3 && atomicAdd(a, 1) > 2) n;", "inside a condition"),
])
def test_what_is_no_atomic_is_refused(text: str, message: str) -> None:
    with pytest.raises(XpilerError, match=message):
        kernel(text)


def recovered(body: str) -> str:
    return C.emit(passes.get("loop_recovery").apply(kernel(body), C).kernel)


@pytest.mark.parametrize(("text", "line"), [
    ("atomicAdd(&a[key[threadIdx.x]], 2);", "a[key[tx]] += 2;"),
    ("atomicSub(&a[0], threadIdx.x);", "a[0] -= tx;"),
    ("atomicMin(&a[0], key[threadIdx.x]);", "a[0] = std::min(a[0], key[tx]);"),
    ("atomicOr(&w[1], 1ull << threadIdx.x);", "w[1] |= 1ull << tx;"),
    ("atomicInc(u, 7);", "u[0] = u[0] >= 7u ? 0u : u[0] + 1u;"),
    ("atomicExch(&f[threadIdx.x], 1.5f);", "f[tx] = 1.5f;"),
    ("__shared__ int s[2][8]; atomicAdd(&s[1][threadIdx.x & 7], 1); __syncthreads(); a[0] = s[1][0];", "s[1][tx & 7] += 1;"),
])
def test_recovery_makes_ordinary_updates(text: str, line: str) -> None:
    assert line in recovered(text)


def test_a_value_from_before_is_each_threads_own() -> None:
    """Behind a barrier every thread still has the value that it got, although all name the same place."""
    text = recovered("__shared__ int s; if (threadIdx.x == 0) s = 0; __syncthreads(); int mine = atomicAdd(&s, 1); "
                     "__syncthreads(); a[threadIdx.x] = mine + s;")
    assert "[64]" in text and "s += 1;" in text


CAS = "int old = a[0], assumed; do {{ assumed = old; old = atomicCAS(a, assumed, {value}); }} while ({cond});"


@pytest.mark.parametrize(("text", "line"), [
    (CAS.format(value="max(assumed, key[n])", cond="assumed != old"), "a[0] = std::max(a[0], key[n]);"),
    (CAS.format(value="assumed * 3 + 1", cond="old != assumed"), "a[0] = a[0] * 3 + 1;"),
    ("unsigned long long* p = (unsigned long long*)d; unsigned long long old = *p, assumed; do { assumed = old; old = atomicCAS(p, "
     "assumed, __double_as_longlong(f[n] + __longlong_as_double(assumed))); } while (assumed != old);", "d[0] = f[n] + d[0];"),
    ("int* p = (int*)f; int old = p[n], seen; while (true) { seen = old; float x = __int_as_float(seen) * 2.0f; "
     "old = atomicCAS(p + n, seen, __float_as_int(x)); if (seen == old) break; } a[n] = old;", "a[n] = old;"),
])
def test_a_loop_of_compare_and_swap_is_its_update(text: str, line: str) -> None:
    got = recovered(f"if (threadIdx.x == 0) {{ {text} }}")
    assert line in got and "while" not in got


@pytest.mark.parametrize("text", [
    CAS.format(value="assumed + old", cond="assumed != old"),
    CAS.format(value="assumed + a[0]", cond="assumed != old"),
    CAS.format(value="assumed + 1", cond="assumed != old && n > 3"),
    "int old = a[0]; do { old = atomicCAS(a, 0, 1); } while (old != 0);",
])
def test_other_loops_stay_loops(text: str) -> None:
    assert "while" in recovered(f"if (threadIdx.x == 0) {{ {text} }}")


@pytest.mark.parametrize(("text", "kinds"), [
    ("atomicAdd(a, 1); atomicAdd(a, n); atomicSub(a, 2);", set()),
    ("atomicMax(a, key[threadIdx.x]);", set()),
    ("atomicAdd(a, 1); atomicMax(a, 1);", {True}),
    ("atomicExch(a, n);", {True}),
    ("atomicAdd(a, 1); if (key[0] > 2) a[0] = 7;", {False}),
])
def test_races(text: str, kinds: set[bool]) -> None:
    """Updates by one commutative operation do not race; others follow their order; plain accesses race with them."""
    k = with_meanings(kernel(text))
    found = races(k, next(n for n in walk(k.body) if isinstance(n, For) and n.axis == "threadIdx.x"))
    assert {d.ordered for d in found} == kinds


def test_a_plain_access_in_between_is_refused() -> None:
    with pytest.raises(IllegalPassError, match="race on a"):
        passes.get("loop_recovery").apply(kernel("atomicAdd(&a[0], 1); key[0]; f[threadIdx.x] = a[0];"), C)


def test_an_atomic_is_not_written_out_among_threads() -> None:
    with pytest.raises(IllegalPassError, match="threads would race"):
        passes.get("detensorize").apply(kernel("atomicAdd(a, 1);"), CUDA)


def test_no_loop_becomes_an_atomic() -> None:
    k = parse('extern "C" void add(int* a, const int* x) { for (int i = 0; i < 64; i++) a[i] = a[i] + x[i]; }', "c")
    assert passes.get("tensorize").sites(k, CUDA) == []


@pytest.mark.parametrize("platform", [CUDA, HIP], ids=lambda p: p.name)
def test_every_row_writes_what_it_says(platform) -> None:
    rows = [r for r in platform.instrs if r.atomic and r.operands]
    assert len(rows) > 80
    for row in rows:
        place = next(o for o in row.operands if o.name == "p")
        assert place.memory == MEMORIES and place.access == "rw"
        k = with_meanings(kernel("n;", platform.name))
        assert not any(isinstance(n, Store) and n.atomic for n in walk(k.body))

"""Constructs that we know by name and do not lower yet: each with the words to say so."""

from __future__ import annotations

import re

_TYPES: tuple[tuple[str, str, str | None], ...] = (
    (r"(nvcuda::)?wmma::.*|.*\bfragment\s*<.*", "this kind of WMMA fragment ({}) is not supported",
     "Is it one of the guide's shapes, types and layouts?"),
    (r"__m(64|128|256|512)[di]?", "the SIMD type {} is not supported yet", "Use a scalar loop."),
    (r"long double|__int128|unsigned __int128", "the type {} has no counterpart on the other platforms", None),
    (r"cudaStream_t|hipStream_t|cudaEvent_t|hipEvent_t", "{} belongs to host code", None),
    (r"cooperative_groups::.*|cg::.*", "cooperative groups ({}) are not supported yet", None),
    (r"cudaTextureObject_t|texture\s*<.*", "textures ({}) are not supported", None),
)
_CALLS: tuple[tuple[str, str, str | None], ...] = (
    (r"__builtin_amdgcn_mfma_.*", "MFMA builtins ({}) are not supported yet", None),
    (r"__builtin_amdgcn_.*", "the AMD builtin {} is not supported", None),
    (r"(nvcuda::)?wmma::.*", "WMMA calls ({}) are not supported yet", None),
    (r"__[fd]\w+_r[zudn]|__\w+2\w+_r[zudn]", "rounding other than to the nearest ({}) is not supported", None),
    (r"atomic\w+|__hip_atomic_\w+|__atomic_\w+", "the atomic {} is not supported", None),
    (r"__shfl\w*", "the warp shuffle {} is none of this platform's", "Since CUDA 9 shuffles name the lanes that take part: "
     "__shfl_down_sync(0xffffffff, value, delta)."),
    (r"__(ballot|any|all)", "the warp vote {} is none of this platform's",
     "Since CUDA 9 votes name the lanes that take part: __ballot_sync(0xffffffff, condition)."),
    (r"__match_all(_sync)?", "the warp vote {} is not supported", "Compare __match_any with the mask."),
    (r"_mm\d*_\w+", "SIMD intrinsics ({}) are not supported yet", None),
    (r"cooperative_groups::.*|cg::.*", "cooperative groups ({}) are not supported yet", None),
    (r"(f|s|v)?printf|assert|__trap|abort|exit", "a kernel that calls {} is not supported", "Remove the call."),
    (r"malloc|free|calloc|new|memcpy|memset|std::(fill|copy|sort)\w*", "{} in a kernel is not supported",
     "Write the loop out."),
    (r"__memcpy|__bang_\w+|__memset_\w+", "BANG intrinsics ({}) are not supported yet", None),
    (r"tex[123]D\w*|surf\w+", "textures and surfaces ({}) are not supported", None),
    (r"__pipeline_\w+|__cvta_\w+|cuda::.*", "{} is not supported yet", None),
    (r"rand|srand|curand\w*", "random numbers ({}) are not supported", None),
    (r"clock|clock64|__nanosleep", "{} reads a clock: it has no fixed meaning to port", None),
)
_NODES: dict[str, str] = {
    "goto_statement": "goto is not supported",
    "labeled_statement": "labels and goto are not supported",
    "try_statement": "exceptions are not supported",
    "throw_statement": "exceptions are not supported",
    "new_expression": "new is not supported",
    "delete_expression": "delete is not supported",
    "struct_specifier": "a struct is not supported",
    "class_specifier": "a class is not supported",
    "union_specifier": "a union is not supported",
    "asm_statement": "inline assembly is not supported",
    "gnu_asm_expression": "inline assembly is not supported",
    "kernel_call_syntax": "a kernel launch inside a kernel is not supported",
    "string_literal": "strings are not supported in kernels",
    "this": "this is not supported",
    "compound_literal_expression": "compound literals are not supported",
    "fold_expression": "fold expressions are not supported",
    "co_await_expression": "coroutines are not supported",
    "using_declaration": "using inside a kernel is not supported",
    "structured_binding_declarator": "structured bindings are not supported",
}


# Hints for names that no one declares: a header of the text's own project may (`errors.header_hint`).
NO_TYPE, NO_FUNCTION = "Is its declaration missing in the text?", "Is its definition missing in the text?"
NO_NAME = "Paste its declaration or #define too."
UNDECLARED = (NO_TYPE, NO_FUNCTION, NO_NAME)


def _look_up(table: tuple[tuple[str, str, str | None], ...], name: str) -> tuple[str, str | None] | None:
    for pattern, message, hint in table:
        if re.fullmatch(pattern, name, re.DOTALL):
            return message.format(name), hint
    return None


def type_refusal(name: str) -> tuple[str, str | None]:
    """Message and hint for a type that we cannot lower."""
    short = name if len(name) <= 48 else name[:45] + "..."
    return _look_up(_TYPES, name) or (f"the type {short} is not known here", NO_TYPE)


def call_refusal(name: str) -> tuple[str, str | None]:
    """Message and hint for a function that we cannot lower."""
    short = name if len(name) <= 48 else name[:45] + "..."
    unknown = f"the function {short} is not known here", NO_FUNCTION
    return _look_up(_CALLS, name) or unknown


def node_refusal(kind: str) -> str:
    """Message for a kind of syntax node that we cannot lower."""
    return _NODES.get(kind, f"this {kind.replace('_', ' ')} is not supported")


def short(text: str, limit: int = 40) -> str:
    """A piece of the text, fit to be quoted in a message."""
    text = " ".join(text.split())
    return text if len(text) <= limit else text[:limit - 3] + "..."

"""The reference interpreter of the kernel language: what a kernel means, statement by statement, for tests.

`run(kernel, args)` runs a kernel on NumPy arrays and changes them in place. It is strict where C is silent: reading an
element that was never written, an index outside its array, signed overflow, division by zero and a barrier that not
all threads reach are errors. Axis loops run in order; threads of a block are generators that meet at barriers.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from xpiler_jupyter.ir.build import trunc_div
from xpiler_jupyter.ir.nodes import (
    Alloc,
    Barrier,
    Binary,
    Block,
    Break,
    Call,
    Cast,
    Const,
    Continue,
    Expr,
    For,
    If,
    Kernel,
    Let,
    Load,
    Node,
    Return,
    Select,
    Store,
    Unary,
    Var,
    While,
)
from xpiler_jupyter.ir.types import F16, F32, F64, ScalarType

NUMPY: dict[str, Any] = {
    "bool": np.bool_, "i8": np.int8, "i16": np.int16, "i32": np.int32, "i64": np.int64, "u8": np.uint8,
    "u16": np.uint16, "u32": np.uint32, "u64": np.uint64, "f16": np.float16, "f32": np.float32, "f64": np.float64,
}

_FLOAT_FUNCTIONS: dict[str, Any] = {
    "exp": np.exp, "exp2": np.exp2, "log": np.log, "sqrt": np.sqrt, "tanh": np.tanh, "sin": np.sin, "cos": np.cos, "floor": np.floor,
    "ceil": np.ceil, "abs": np.abs, "fabs": np.abs, "max": np.fmax, "min": np.fmin, "pow": np.power,
}


class Fault(Exception):
    """The kernel did what C leaves undefined."""


class _Break(Exception):
    pass


class _Continue(Exception):
    pass


class _Return(Exception):
    pass


class Buffer:
    """An array with a mark for each element that has been written."""

    def __init__(self, name: str, data: Any, written: bool) -> None:
        self.name, self.data = name, data
        self.written = np.full(data.shape, written)

    def place(self, indices: tuple[int, ...]) -> tuple[int, ...]:
        if any(not 0 <= i < n for i, n in zip(indices, self.data.shape, strict=True)):
            raise Fault(f"{self.name}{list(indices)} is outside {self.data.shape}")
        return indices


class Env:
    """Values of names. Blocks open a new one on top of the old."""

    def __init__(self, scalars: dict[str, Any], buffers: dict[str, Buffer]) -> None:
        self.scalars, self.buffers = scalars, buffers

    def inner(self) -> Env:
        return Env(dict(self.scalars), dict(self.buffers))


def run(kernel: Kernel, args: dict[str, Any], thread_prefix: str = "threadIdx") -> None:
    """Runs `kernel`; `args` holds an array per buffer parameter (changed in place) and a number per scalar and size."""
    scalars, buffers = {}, {}
    for p in kernel.params + kernel.sizes:
        if p.pointer:
            array = args[p.name]
            assert array.dtype == NUMPY[p.dtype.name], f"{p.name} is {array.dtype}"
            buffers[p.name] = Buffer(p.name, array.reshape(-1), True)
        else:
            scalars[p.name] = to_type(args[p.name], p.dtype)
    with np.errstate(all="ignore"):
        try:
            for _ in _Run(thread_prefix).block(kernel.body, Env(scalars, buffers)):
                raise Fault("a barrier outside the threads of a block")
        except _Return:
            pass


def to_type(value: Any, t: ScalarType) -> Any:
    """`value` converted to `t` as a C cast does; integers are Python ints, floats are NumPy scalars."""
    if t.kind == "bool":
        return bool(value != 0)
    if t.is_float:
        return NUMPY[t.name](value)
    if isinstance(value, float | np.floating):
        if not math.isfinite(value):
            raise Fault("a NaN or infinity becomes an integer")
        value = math.trunc(value)
    value = int(value)
    if t.kind == "uint":
        return value & ((1 << t.bits) - 1)
    value &= (1 << t.bits) - 1
    return value - (1 << t.bits) if value >> (t.bits - 1) else value


def evaluate(e: Expr, env: Env) -> Any:
    """The value of an expression."""
    match e:
        case Const():
            return NUMPY[e.dtype.name](e.value) if e.dtype.is_float else e.value
        case Var():
            return env.scalars[e.name]
        case Unary():
            x = evaluate(e.x, env)
            if e.op == "!":
                return not x
            return _wrap(-x if e.op == "-" else ~x, e.dtype)
        case Select():
            return evaluate(e.a if evaluate(e.cond, env) else e.b, env)
        case Cast():
            return to_type(evaluate(e.x, env), e.dtype)
        case Load():
            return _load(e, env)
        case Call():
            return _call(e, [evaluate(a, env) for a in e.args])
        case Binary():
            return _binary(e, env)
    raise NotImplementedError(type(e).__name__)


def _wrap(value: Any, t: ScalarType) -> Any:
    """The result of an operation: floats round to their type, unsigned wraps, signed must fit."""
    if t.is_float:
        return NUMPY[t.name](value)
    if t.kind == "uint":
        return int(value) & ((1 << t.bits) - 1)
    if t.kind == "int" and not -(1 << (t.bits - 1)) <= value < 1 << (t.bits - 1):
        raise Fault(f"{value} overflows {t}")
    return value


def _binary(e: Binary, env: Env) -> Any:
    a = evaluate(e.a, env)
    if e.op == "&&":
        return bool(a and evaluate(e.b, env))
    if e.op == "||":
        return bool(a or evaluate(e.b, env))
    b = evaluate(e.b, env)
    match e.op:
        case "<":
            return bool(a < b)
        case "<=":
            return bool(a <= b)
        case ">":
            return bool(a > b)
        case ">=":
            return bool(a >= b)
        case "==":
            return bool(a == b)
        case "!=":
            return bool(a != b)
        case "+":
            return _wrap(a + b, e.dtype)
        case "-":
            return _wrap(a - b, e.dtype)
        case "*":
            return _wrap(a * b, e.dtype)
        case "/" | "%":
            if e.dtype.is_float:
                return NUMPY[e.dtype.name](a / b)
            if b == 0:
                raise Fault("division by zero")
            q = trunc_div(a, b)
            return _wrap(q if e.op == "/" else a - b * q, e.dtype)
        case "<<":
            return _wrap(a << b, e.dtype)
        case ">>":
            return a >> b
        case "&":
            return a & b
        case "|":
            return a | b
        case "^":
            return a ^ b
    raise NotImplementedError(e.op)


def _load(e: Load, env: Env) -> Any:
    buffer = env.buffers[e.buffer]
    place = buffer.place(tuple(int(evaluate(i, env)) for i in e.indices))
    if not buffer.written[place]:
        raise Fault(f"{e.buffer}{list(place)} is read before it is written")
    value = buffer.data[place]
    if value.dtype != NUMPY[e.dtype.name]:
        value = value.view(NUMPY[e.dtype.name])
    return value if e.dtype.is_float else bool(value) if e.dtype.kind == "bool" else int(value)


def _call(e: Call, args: list[Any]) -> Any:
    if e.dtype.is_integer:
        return {"min": min, "max": max, "abs": abs}[e.fn](*args)
    if e.fn == "fma":
        exact = {F16: np.float32, F32: np.float64, F64: np.longdouble}[e.dtype]
        a, b, c = (exact(x) for x in args)
        return NUMPY[e.dtype.name](a * b + c)
    if e.fn == "rsqrt":
        return NUMPY[e.dtype.name](1) / np.sqrt(args[0])
    return NUMPY[e.dtype.name](_FLOAT_FUNCTIONS[e.fn](*args))


class _Run:
    """Executes statements as generators that yield at barriers."""

    def __init__(self, thread_prefix: str) -> None:
        self.thread_prefix = thread_prefix

    def block(self, b: Block, env: Env) -> Iterator[None]:
        env = env.inner()
        for s in b.stmts:
            yield from self.stmt(s, env)

    def stmt(self, s: Node, env: Env) -> Iterator[None]:
        match s:
            case Block():
                yield from self.block(s, env)
            case For(kind="parallel"):
                yield from self.axis(s, env)
            case For():
                yield from self.loop(s, env)
            case While():
                yield from self.while_loop(s, env)
            case If():
                branch = s.then if evaluate(s.cond, env) else s.orelse
                if branch is not None:
                    yield from self.block(branch, env)
            case Let():
                env.scalars[s.name] = evaluate(s.value, env)
            case Alloc():
                shape = tuple(int(evaluate(n, env)) for n in s.shape)
                env.buffers[s.name] = Buffer(s.name, np.zeros(shape, NUMPY[s.dtype.name]), s.zeroed)
            case Store():
                self.store(s, env)
            case Barrier():
                yield
            case Return():
                raise _Return
            case Break():
                raise _Break
            case Continue():
                raise _Continue
            case _:
                raise NotImplementedError(type(s).__name__)

    def store(self, s: Store, env: Env) -> None:
        value = evaluate(s.value, env)
        buffer = env.buffers[s.buffer]
        place = buffer.place(tuple(int(evaluate(i, env)) for i in s.indices))
        stored = NUMPY[s.dtype.name](value)
        buffer.data[place] = stored if stored.dtype == buffer.data.dtype else stored.view(buffer.data.dtype)
        buffer.written[place] = True

    def loop(self, s: For, env: Env) -> Iterator[None]:
        i, step = evaluate(s.lo, env), evaluate(s.step, env)
        if step <= 0:
            raise Fault("a loop step is not positive")
        while i < evaluate(s.hi, env):
            inner = env.inner()
            inner.scalars[s.var] = i
            try:
                yield from self.block(s.body, inner)
            except _Break:
                break
            except _Continue:
                pass
            i += step

    def while_loop(self, s: While, env: Env) -> Iterator[None]:
        while evaluate(s.cond, env):
            try:
                yield from self.block(s.body, env)
            except _Break:
                break
            except _Continue:
                pass

    def axis(self, s: For, env: Env) -> Iterator[None]:
        assert s.axis is not None
        if s.axis.startswith(self.thread_prefix):
            self.team(s, env)
            return
        for i in range(evaluate(s.hi, env)):
            inner = env.inner()
            inner.scalars[s.var] = i
            with contextlib.suppress(_Return):
                yield from self.block(s.body, inner)

    def threads(self, s: For, env: Env) -> Iterator[Iterator[None]]:
        """One generator per thread of the nest of thread axes."""
        for i in range(evaluate(s.hi, env)):
            inner = env.inner()
            inner.scalars[s.var] = i
            only = s.body.stmts[0] if len(s.body.stmts) == 1 else None
            if isinstance(only, For) and only.kind == "parallel":
                yield from self.threads(only, inner)
            else:
                yield self.thread(s.body, inner)

    def thread(self, body: Block, env: Env) -> Iterator[None]:
        try:
            yield from self.block(body, env)
        except _Return:
            return

    def team(self, s: For, env: Env) -> None:
        """All threads of a block, from barrier to barrier."""
        waiting = list(self.threads(s, env))
        while waiting:
            arrived = []
            for t in waiting:
                try:
                    next(t)
                    arrived.append(t)
                except StopIteration:
                    pass
            if arrived and len(arrived) != len(waiting):
                raise Fault("a barrier that not all threads of the block reach")
            waiting = arrived

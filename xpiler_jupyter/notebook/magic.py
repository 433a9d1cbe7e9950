"""The magics: `%%xpile` starts a port, `%xpile_*` work on it. They only parse, call the port, and return it.

A port is kept before anything is tried with it, so that no error loses what was done.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError as PlainError
from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class, no_var_expand

from ..errors import UsageError, XpilerError
from .arguments import choice, is_python, knobs, port_parser, sizes, step_parser, suggestion, template_arguments
from .progress import watching

if TYPE_CHECKING:
    from argparse import Namespace

    from ..suite import AnyPort


def plain_errors(function: Callable[..., Any]) -> Callable[..., Any]:
    """Our errors as IPython's one that has no traceback."""

    @wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except XpilerError as err:
            raise PlainError(err.render()) from None

    return wrapped


@magics_class
class XpileMagics(Magics):  # type: ignore[misc,unused-ignore]
    """Keeps the latest port; everything else is in the ports themselves."""

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)  # type: ignore[no-untyped-call,unused-ignore]
        self.latest: AnyPort | None = None

    # -- starting ------------------------------------------------------------------------------------------------------

    @no_var_expand  # type: ignore[untyped-decorator,unused-ignore]
    @line_cell_magic  # type: ignore[untyped-decorator,unused-ignore]
    @plain_errors
    def xpile(self, line: str, cell: str | None = None) -> AnyPort | None:
        """Port the kernel in this cell to another platform: %%xpile --to cuda. `%xpile -h` shows every option."""
        from ..platforms import registry

        titles = {name: registry.get(name).title for name in registry.names()}
        parser = port_parser(titles)
        args = parser.parse_line(line)
        text = self._text(args, cell)
        if args.help or not text.strip():
            print(parser.format_help())
            return None
        if not args.to:
            raise UsageError("where to? Say --to PLATFORM", hint=f"Platforms: {', '.join(titles)}.")
        choice(args.to, titles, "platform")
        if args.source:
            choice(args.source, titles, "platform")
        choice(args.engine, ("rules",), "engine")
        if args.output and not args.output.isidentifier():
            raise UsageError(f"-o {args.output}: a name in the notebook must be an identifier")
        _check_kernel_text(text)

        from ..suite import start

        port = start(text, args.to, source=args.source, kernel=args.kernel, shape=sizes(args.shape, self.shell.user_ns),
                     ref=self._function(args.ref), engine=args.engine, device=args.device, seed=args.seed,
                     filename=args.file, allow=[args.allow], arch=args.arch, flat=args.flat, assume=args.assume,
                     with_=template_arguments(args.with_), prove=args.prove)
        self.latest = port
        if args.output:
            self.shell.user_ns[args.output] = port
        self._advance(port, port.next if args.step else port.run)
        if args.save:
            _save(port, args.save)
        return port

    def _text(self, args: Namespace, cell: str | None) -> str:
        if not args.file:
            return cell or ""
        if cell and cell.strip():
            raise UsageError("a kernel in the cell and --file: which one?")
        try:
            return Path(args.file).expanduser().read_text(errors="replace")
        except OSError as err:
            raise UsageError(f"cannot read {args.file}: {err.strerror or err}") from None

    def _function(self, name: str | None) -> Callable[..., Any] | None:
        if name is None:
            return None
        found = self.shell.user_ns.get(name)
        if found is None:
            callables = [k for k, v in self.shell.user_ns.items() if callable(v) and not k.startswith("_")]
            raise UsageError(f"--ref: the notebook has no function {name!r}{suggestion(name, callables)}",
                             hint="Define it in a cell above and run that cell.")
        if not callable(found):
            raise UsageError(f"--ref: {name!r} is no function but a {type(found).__name__}")
        return found  # type: ignore[no-any-return]

    def _advance(self, port: AnyPort, work: Callable[[], Any]) -> None:
        """Lets the port work, with progress. A failure that the port remembers is shown by its view; an interrupt
        cancels and keeps what was done."""
        try:
            with watching(self.shell, port):
                work()
        except KeyboardInterrupt:
            port.cancel()
            done = sum(s.state == "accepted" for s in port.steps)
            print(f"Interrupted: {done} pass{'' if done == 1 else 'es'} kept. %xpile_next --all goes on.")
        except XpilerError as err:
            if port.error is not err:
                raise

    # -- working on a port ---------------------------------------------------------------------------------------------

    @no_var_expand  # type: ignore[untyped-decorator,unused-ignore]
    @line_magic  # type: ignore[untyped-decorator,unused-ignore]
    @plain_errors
    def xpile_steps(self, line: str) -> Any:
        """Show the latest port, or one of its steps."""
        args, port = self._begin("steps", line)
        if port is None or args.step is None:
            return port
        return port.steps[_index(port, args.step)]

    @no_var_expand  # type: ignore[untyped-decorator,unused-ignore]
    @line_magic  # type: ignore[untyped-decorator,unused-ignore]
    @plain_errors
    def xpile_why(self, line: str) -> None:
        """Explain the proof of the latest port: what its outputs are made of, or what stopped the proof."""
        _, port = self._begin("why", line)
        if port is not None:
            print(port.why())

    @no_var_expand  # type: ignore[untyped-decorator,unused-ignore]
    @line_magic  # type: ignore[untyped-decorator,unused-ignore]
    @plain_errors
    def xpile_next(self, line: str) -> AnyPort | None:
        """Propose the next pass, or a pass of your choice."""
        args, port = self._begin("next", line)
        if port is None:
            return None
        if args.all:
            self._advance(port, port.run)
        elif args.pass_name:
            settings = knobs(args.knobs)
            self._advance(port, lambda: port.propose(args.pass_name, **settings))
        elif port.finished:
            print(f"{port.target.title} is reached: there is no next pass.")
        else:
            self._advance(port, port.next)
        return port

    @no_var_expand  # type: ignore[untyped-decorator,unused-ignore]
    @line_magic  # type: ignore[untyped-decorator,unused-ignore]
    @plain_errors
    def xpile_accept(self, line: str) -> AnyPort | None:
        """Take the proposal that waits; -f takes one that is known to be wrong."""
        args, port = self._begin("accept", line)
        if port is not None:
            port.accept(force=args.force)
        return port

    @no_var_expand  # type: ignore[untyped-decorator,unused-ignore]
    @line_magic  # type: ignore[untyped-decorator,unused-ignore]
    @plain_errors
    def xpile_reject(self, line: str) -> AnyPort | None:
        """Put the proposal that waits aside."""
        _, port = self._begin("reject", line)
        if port is not None:
            port.reject()
        return port

    @no_var_expand  # type: ignore[untyped-decorator,unused-ignore]
    @line_magic  # type: ignore[untyped-decorator,unused-ignore]
    @plain_errors
    def xpile_undo(self, line: str) -> AnyPort | None:
        """Take the last change back."""
        args, port = self._begin("undo", line)
        if port is not None:
            if args.to is None:
                port.undo()
            else:
                port.back_to(args.to)
        return port

    @no_var_expand  # type: ignore[untyped-decorator,unused-ignore]
    @line_cell_magic  # type: ignore[untyped-decorator,unused-ignore]
    @plain_errors
    def xpile_edit(self, line: str, cell: str | None = None) -> AnyPort | None:
        """Your own text as a step, judged like any other. The line form puts the text to edit into the next cell."""
        args, port = self._begin("edit", line)
        if port is None:
            return None
        where = None if args.step is None else _index(port, args.step)
        if cell is None:
            step = port.steps[where] if where is not None else port.pending
            head = " ".join(["%%xpile_edit", *(["-p", args.port] if args.port else []),
                             *(["--step", str(args.step)] if args.step else [])])
            self.shell.set_next_input(f"{head}\n{(step.after if step else port.code).rstrip()}\n")
            return None
        if not cell.strip():
            raise UsageError("the cell is empty", hint="Run %xpile_edit as a line to get the text to edit.")
        _check_kernel_text(cell)
        self._advance(port, lambda: port.edit(cell, where))
        return port

    @no_var_expand  # type: ignore[untyped-decorator,unused-ignore]
    @line_magic  # type: ignore[untyped-decorator,unused-ignore]
    @plain_errors
    def xpile_explain(self, line: str) -> None:
        """Show the manual page of an instr, a pass or a platform: %xpile_explain __bang_maxpool."""
        from IPython.display import display

        from ..pages import explain

        if not line.strip():
            raise UsageError("which word? Name an instr, a pass or a platform", hint="For example %xpile_explain bang.")
        for page in explain(line).values():
            display({"text/markdown": page, "text/plain": page}, raw=True)  # type: ignore[no-untyped-call,unused-ignore]

    def _begin(self, magic: str, line: str) -> tuple[Namespace, AnyPort | None]:
        """The options and the port they mean; no port when only help was asked for."""
        parser = step_parser(magic)
        args = parser.parse_line(line)
        if args.help:
            print(parser.format_help())
            return args, None
        port = self._named(args.port) if args.port else self.latest
        if port is None:
            raise UsageError("there is no port yet", hint="Start one with %%xpile --to PLATFORM, or name one with -p.")
        self.latest = port
        return args, port

    def _named(self, name: str) -> AnyPort:
        from ..port import Port
        from ..suite import Suite

        found = self.shell.user_ns.get(name)
        if not isinstance(found, Port | Suite):
            ports = [k for k, v in self.shell.user_ns.items() if isinstance(v, Port | Suite) and not k.startswith("_")]
            raise UsageError(f"the notebook has no port {name!r}{suggestion(name, ports)}",
                             hint=f"Ports: {', '.join(ports) or 'none'}.")
        return found


def _index(port: AnyPort, number: int) -> int:
    """The 0-based index of the step that a view numbers `number`."""
    if not 1 <= number <= len(port.steps):
        raise UsageError(f"there is no step {number}", hint=f"Steps: 1 to {len(port.steps)}." if port.steps else None)
    return number - 1


def _save(port: AnyPort, path: str) -> None:
    try:
        port.save(Path(path).expanduser())
    except OSError as err:
        raise UsageError(f"cannot write {path}: {err.strerror or err}") from None


def _check_kernel_text(text: str) -> None:
    """Says so when the cell is no kernel but Python or another magic."""
    first = text.lstrip().split("\n", 1)[0]
    if first.startswith("%"):
        raise UsageError(f"the cell begins with another magic ({first.split()[0]})",
                         hint="Keep one %% line; the rest of the cell is the kernel.")
    if is_python(text):
        raise UsageError("this cell is Python, not a C, CUDA or HIP kernel",
                         hint="Put the kernel's own text below %%xpile, and Python into another cell.")

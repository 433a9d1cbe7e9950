"""Worker processes for the benchmark: one port at a time each, killed when they hang, replaced when they die."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import time
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from ..errors import SourceFaultError, XpilerError

Task = dict[str, Any]  # path, file, from, to, sha, out; kernel where the file has several
Result = dict[str, Any]  # the task's, ported, seconds; verdict, passes, instrs; error


def do_one(task: Task) -> Result:
    """Ports one file, or only judges it as a source when it goes nowhere, and says how it went; never raises."""
    return port_one(task) if task["to"] else check_one(task)


def check_one(task: Task) -> Result:
    """What is wrong with one source: `ported` is true where nothing is, `error` is the first thing found."""
    result: Result = {k: task[k] for k in ("file", "from", "to", "sha")} | {"ported": False}
    began = time.perf_counter()
    try:
        from ..platforms import registry
        from ..running import subject_of
        from ..verify.source_check import check_source

        text = Path(task["path"]).read_text(errors="replace")
        evidence = check_source(subject_of(text, registry.get(task["from"]), None, {}))
        failed = [e for e in evidence if e.status == "fail"]
        unknown = [e for e in evidence if e.status == "unknown" and e.kind in ("run", "sizes")]
        for e, kind in [*((e, "source_fault") for e in failed), *((e, "unknown") for e in unknown)][:1]:
            result["error"] = {"kind": kind, "message": _sentence(e.detail, e.data.get("hint")),
                               "line": e.data.get("line"), "column": None, "check": e.kind}
        result["notes"] = [e.detail.removeprefix("note: ") for e in evidence if e.kind == "contract"]
        result |= {"ported": not failed and not unknown, "verdict": "faulty" if failed else "unknown" if unknown else "sound"}
    except SourceFaultError as err:  # what the front end sees before anything runs
        result |= {"verdict": "faulty", "error": {**err.as_dict(), "check": "read"}}
    except XpilerError as err:
        result["error"] = err.as_dict()
    except Exception as err:  # as for a port
        result["error"] = {"kind": "internal", "message": f"internal: {type(err).__name__}: {err}{_place(err)}",
                           "line": None, "column": None}
    result["seconds"] = round(time.perf_counter() - began, 4)
    return result


def _sentence(detail: str, hint: str | None) -> str:
    """What was found, without the line in front and the hint behind, which a result holds apart."""
    return re.sub(r"^line \d+(?:, column \d+)?: ", "", detail.removesuffix(hint or "").strip())


def port_one(task: Task) -> Result:
    """Ports one file and says how it went; never raises."""
    result: Result = {k: task[k] for k in ("file", "from", "to", "sha")} | {"ported": False}
    began = time.perf_counter()
    port = None
    try:
        from ..frontend.included import with_headers
        from ..port import Port
        from ..verify.proofs import SECONDS

        path = Path(task["path"])
        port = Port(with_headers(path.read_text(errors="replace"), path), task["to"], source=task["from"],
                    filename=path.name, kernel=task.get("kernel"), allow=task.get("allow", ()),
                    prove=task.get("prove", SECONDS))
        port.run()
    except XpilerError as err:
        result["error"] = err.as_dict()
    except Exception as err:  # a bug of ours: recorded and counted, the rest goes on
        where = _place(err)
        result["error"] = {"kind": "internal", "message": f"internal: {type(err).__name__}: {err}{where}",
                           "line": None, "column": None}
    result["seconds"] = round(time.perf_counter() - began, 4)
    if port is not None:
        result |= _reached(port, task, "error" in result)
    return result


def _reached(port: Any, task: Task, failed: bool) -> Result:
    """What the port got to: its verdict, and the passes taken."""
    try:
        level = port.verdict.level
        ported = not failed and port.finished and level != "wrong"
        out: Result = {"verdict": level, "ported": ported, "number_model": port.verdict.number_model,
                       "passes": [s.pass_name for s in port.steps if s.state == "accepted"]}
        if not failed and not ported:
            out["error"] = {"kind": "wrong" if level == "wrong" else "unfinished", "message": port.verdict.detail,
                            "line": None, "column": None}
        proof = next((e for s in port.steps[-1:] for e in s.evidence if e.kind == "equivalence"), None)
        if ported and proof is not None:
            out["proof_seconds"] = round(proof.seconds, 3)
            if proof.status != "pass":
                out["unproved"] = proof.data.get("reason", proof.detail)
        if ported:
            from ..platforms.kinds import used

            out["instrs"] = used(port.code, port.target)
        if ported and task.get("out"):
            where = Path(task["out"]) / task["to"] / Path(task["file"]).with_suffix(port.target.suffixes[0])
            where.parent.mkdir(parents=True, exist_ok=True)
            where.write_text(port.code)
        return out
    except Exception as err:
        return {"ported": False, "error": {"kind": "internal", "message": f"internal: {type(err).__name__}: {err}",
                                           "line": None, "column": None}}


def _place(err: BaseException) -> str:
    """The innermost place of our own code."""
    import traceback

    frames = [f for f in traceback.extract_tb(err.__traceback__) if "xpiler_jupyter" in f.filename]
    return f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""


def _work(connection: Connection) -> None:
    """A worker's life: its own session, so that Ctrl-C ends it only through the parent, and all it started with it."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(EOFError, OSError):
        while True:
            connection.send(do_one(connection.recv()))


@dataclass
class Worker:
    process: Any
    connection: Connection
    task: Task | None = None
    began: float = 0.0

    def give(self, task: Task) -> None:
        self.task, self.began = task, time.perf_counter()
        self.connection.send(task)

    def kill(self) -> None:
        """Ends the worker and everything that it started."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.join()
        self.connection.close()


@dataclass
class Pool:
    """Runs tasks on `jobs` workers; a task that takes longer than `timeout` seconds is given up."""

    jobs: int
    timeout: float
    workers: list[Worker] = field(default_factory=list)

    def run(self, tasks: list[Task]) -> Generator[Result, None, None]:
        """Results as they come. Closing the iterator (or Ctrl-C) ends the workers."""
        waiting = list(reversed(tasks))
        try:
            for _ in range(min(self.jobs, len(tasks))):
                self._start(waiting)
            while any(w.task for w in self.workers):
                yield from self._collect(waiting)
        finally:
            for worker in self.workers:
                worker.kill()
            self.workers.clear()

    def _start(self, waiting: list[Task]) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs,))
        process.start()
        theirs.close()
        worker = Worker(process, ours)
        self.workers.append(worker)
        worker.give(waiting.pop())

    def _collect(self, waiting: list[Task]) -> Iterator[Result]:
        ready = wait([w.connection for w in self.workers if w.task], timeout=1.0)
        for worker in list(self.workers):
            task = worker.task
            if task is None:
                continue
            if worker.connection in ready:
                try:
                    result = worker.connection.recv()
                except (EOFError, OSError):
                    worker.process.join(1.0)
                    yield self._lost(worker, task, f"internal: the worker died (exit status {worker.process.exitcode})",
                                     waiting)
                    continue
                worker.task = None
                if waiting:
                    worker.give(waiting.pop())
                yield result
            elif time.perf_counter() - worker.began > self.timeout:
                yield self._lost(worker, task, f"internal: no result after {self.timeout:.0f} s", waiting)

    def _lost(self, worker: Worker, task: Task, why: str, waiting: list[Task]) -> Result:
        """The task's result when its worker is gone; another worker takes its place."""
        self.workers.remove(worker)
        seconds = round(time.perf_counter() - worker.began, 4)
        worker.kill()
        if waiting:
            self._start(waiting)
        return {**{k: task[k] for k in ("file", "from", "to", "sha")}, "ported": False, "seconds": seconds,
                "error": {"kind": "internal", "message": why, "line": None, "column": None}}

"""How host code of a platform spells its run-time calls: printed by the wrapper's printer, read back by the front end."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class JobType:
    """A shape in which tasks run together: `block` = (x, y, z) tasks. `name` is how people say it, `words` how host
    code does, the one to print first."""

    name: str
    words: tuple[str, ...]
    block: tuple[int, int, int]

    @property
    def tasks(self) -> int:
        """How many tasks one job has."""
        x, y, z = self.block
        return x * y * z


@dataclass(frozen=True, slots=True)
class HostApi:
    """The run-time calls of a platform with a host and a device.

    There are two forms of launch. Without `jobs`: `kernel<<<grid, block>>>`, two values of the type `dim`. With `jobs`:
    `kernel<<<dim, type, queue>>>`, where `dim` counts single tasks and the type says which of them form a job.

    Attributes:
        prefix: what all run-time names begin with: {prefix}Malloc, {prefix}Memcpy, {prefix}Free.
        to_device, to_host: the words for a copy's direction, the one to print first.
        dim: the type of a launch's extents.
        jobs: the legal shapes of a job.
        queue: type of the queue that a launch needs; empty: none. Made by {prefix}QueueCreate and waited for by
            {prefix}QueueSync.
        checks: macros of the platform's own headers around a call that look at nothing but its status.
    """

    prefix: str
    to_device: tuple[str, ...]
    to_host: tuple[str, ...]
    dim: str = "dim3"
    jobs: tuple[JobType, ...] = ()
    queue: str = ""
    checks: tuple[str, ...] = ()

    def job(self, word: str) -> JobType | None:
        """The job type of that name or word of host code."""
        return next((j for j in self.jobs if word == j.name or word in j.words), None)

    def job_of(self, block: tuple[int, int, int]) -> JobType | None:
        """The job type with that shape."""
        return next((j for j in self.jobs if j.block == block), None)


def two_level(prefix: str) -> HostApi:
    """The spelling that CUDA introduced: a grid of blocks."""
    return HostApi(prefix, (f"{prefix}MemcpyHostToDevice",), (f"{prefix}MemcpyDeviceToHost",))

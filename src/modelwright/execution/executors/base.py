"""What an executor is, and what it is given and gives back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from modelwright.core.doing import Doing, doing
from modelwright.core.errors import Error
from modelwright.pipelines.model import INLINE_BYTES, Progress, Value
from modelwright.pipelines.values import checked, decode, results

_LONGEST_ERROR = 2000


class Job(Struct, frozen=True, kw_only=True):
    """One try of one step.

    Attributes:
        execution: The execution's id.
        step: The step's.
        module: Where the step's function is.
        function: What it is called there.
        call: Its encoded arguments.
        inputs: The results that the arguments name, by digest.
        seconds: After how long it is killed; none for never.
    """

    execution: str
    step: str
    module: str
    function: str
    call: bytes
    inputs: dict[str, Value]
    seconds: float | None = None


class Done(Struct, frozen=True, kw_only=True):
    """What came of a try.

    Attributes:
        step: The step.
        output: Its result; none where it failed. Bytes that do not lie in it are in the scratch folder.
        error: Why it failed.
        final: Whether to try again would change nothing.
        cpu_seconds: Processor time it took.
    """

    step: str
    output: Value | None = None
    error: str | None = None
    final: bool = False
    cpu_seconds: float = 0.0


class Listener(Protocol):
    """Hears of steps while they run; called from the thread that waits."""

    def wrote(self, step: str, data: bytes) -> None:
        """A step wrote something."""
        ...

    def progressed(self, step: str, progress: Progress) -> None:
        """A step said how far it is."""
        ...


class Executor(Protocol):
    """A place where steps run.

    Law: every job that was started is answered by ``wait`` once, unless the executor was killed before; what a step
    wrote and said is heard before its answer. ``kill`` ends whatever runs, at once, from any thread.
    """

    size: int
    """How many jobs may be under way."""

    bounds_time: bool
    """Whether it kills a job whose time is over."""

    def start(self, job: Job) -> None:
        """Begin a job."""
        ...

    def wait(self, seconds: float) -> list[Done]:
        """Jobs that ended, as soon as there is one; empty when the time is over."""
        ...

    def kill(self) -> None:
        """End whatever runs."""
        ...

    def close(self) -> None:
        """Kill, and let go of everything."""
        ...


def place(scratch: Path, digest: str) -> Path:
    """Where a result's bytes lie in the scratch folder."""
    return scratch / digest


def done(job: Job, function: Callable[..., Any], scratch: Path) -> tuple[Done, BaseException | None]:
    """Carry a job out in this process; the error is answered beside, for its traceback."""
    fetch = results(job.inputs, lambda value: place(scratch, value.digest).read_bytes())
    token = doing.set(Doing(job.execution, job.step))
    try:
        args, kwargs = decode(job.call, fetch)
        answer = function(*args, **kwargs)
    except Exception as error:  # noqa: BLE001  # the outermost rim of a step
        return Done(step=job.step, error=said(error)), error
    finally:
        doing.reset(token)
    try:
        data, value = checked(answer, what=f"The result of {job.step}")
    except Error as error:
        return Done(step=job.step, error=said(error), final=True), error
    if len(data) > INLINE_BYTES:
        place(scratch, value.digest).write_bytes(data)
    return Done(step=job.step, output=value), None


def said(error: BaseException) -> str:
    """An error in a few lines."""
    remedy = f" {error.remedy}" if isinstance(error, Error) and error.remedy else ""
    name = "" if isinstance(error, Error) else f"{type(error).__name__}: "
    return f"{name}{error}{remedy}"[:_LONGEST_ERROR]

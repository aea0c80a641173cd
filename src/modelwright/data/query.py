"""Ask SQL of versions in a child process that can reach nothing else.

The child (``query_child``) parses and says which names the statement reads; the parent answers with the Parquet files
of those that are datasets of the caller's project; the child runs the statement and answers rows. The child has no file
but those, no network, no environment, bounded memory, processor time and output, and is killed when its time is over.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import IO

import msgspec
from msgspec import Struct

from modelwright.core import wire
from modelwright.core.errors import Invalid, Unavailable
from modelwright.data.model import Cell, QueryColumn


class Limits(Struct, frozen=True, kw_only=True):
    """What one query may take.

    Attributes:
        seconds: Until it is killed.
        memory_mb: DuckDB's memory; it does not spill to disk.
        answer_mb: Size of the answer as JSON.
        sql_characters: Length of the statement.
    """

    seconds: float = 30.0
    memory_mb: int = 1024
    answer_mb: int = 16
    sql_characters: int = 100_000


class Ask(Struct, frozen=True, kw_only=True):
    """The first line to the child."""

    sql: str
    rows: int
    limits: Limits


class Names(Struct, frozen=True, kw_only=True, tag="names"):
    """The child's first answer: what the statement reads, as written."""

    names: tuple[str, ...]


class Problem(Struct, frozen=True, kw_only=True, tag="problem"):
    """The child's answer to a statement that cannot be carried out."""

    message: str


class Views(Struct, frozen=True, kw_only=True):
    """The second line to the child: name -> Parquet files."""

    views: dict[str, list[str]]


class Rows(Struct, frozen=True, kw_only=True, tag="rows"):
    """The child's last answer."""

    columns: tuple[QueryColumn, ...]
    rows: tuple[tuple[Cell, ...], ...]
    truncated: bool


Answer = Names | Problem | Rows
Resolve = Callable[[Sequence[str]], Mapping[str, Sequence[str]]]


def run(sql: str, *, rows: int, limits: Limits, resolve: Resolve) -> Rows:
    """Carry one SELECT out.

    Args:
        sql: The statement.
        rows: At most so many rows come back.
        limits: What it may take.
        resolve: Names the statement reads -> the files of those that are datasets; called once.

    Raises:
        Invalid: It is not one SELECT, DuckDB refuses it, or it takes more than the limits.
    """
    if len(sql) > limits.sql_characters:
        raise Invalid(f"The SQL has {len(sql):,} characters, not at most {limits.sql_characters:,}.")
    with _child() as child:
        names = _exchange(child, Ask(sql=sql, rows=rows, limits=limits), limits)
        if not isinstance(names, Names):
            raise Unavailable("The query process answered out of turn.")
        files = {name: list(paths) for name, paths in resolve(names.names).items()}
        answer = _exchange(child, Views(views=files), limits)
        if not isinstance(answer, Rows):
            raise Unavailable("The query process answered out of turn.")
        return answer


def _exchange(child: subprocess.Popen[bytes], message: Struct, limits: Limits) -> Answer:
    with _watched(child, limits.seconds) as late:  # each turn by itself: the parent may have to hash the files first
        with suppress(BrokenPipeError):  # it ended; why is said below
            _pipe(child.stdin).write(msgspec.json.encode(message) + b"\n")
            _pipe(child.stdin).flush()
        line = _pipe(child.stdout).readline((limits.answer_mb << 20) + (1 << 20))
        if not line.endswith(b"\n"):
            raise _ended(child, limits, late)
    answer: Answer = wire.decode(line, Answer)  # type: ignore[arg-type]  # a union is a type to msgspec
    if isinstance(answer, Problem):
        raise Invalid(
            answer.message, remedy="Mend the SQL; one SELECT over dataset names.", fields={"sql": answer.message}
        )
    return answer


def _ended(child: subprocess.Popen[bytes], limits: Limits, late: threading.Event) -> Invalid:
    child.kill()
    code = child.wait()
    if late.is_set():
        return Invalid(
            f"The query took longer than {limits.seconds:g} s.", remedy="Ask for less: fewer rows, a smaller join."
        )
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return Invalid(
        f"The query ended its process ({how}).", remedy=f"Ask for less: it may take {limits.memory_mb:,} MB of memory."
    )


@contextmanager
def _child() -> Iterator[subprocess.Popen[bytes]]:
    environment = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "TZ": "UTC", "LC_ALL": "C.UTF-8"}
    command = [sys.executable, "-P", "-m", "modelwright.data.query_child"]
    with subprocess.Popen(  # noqa: S603  # the command is fixed; the SQL travels through the pipe
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        cwd="/",
        start_new_session=True,
    ) as child:
        try:
            yield child
        finally:
            child.kill()


@contextmanager
def _watched(child: subprocess.Popen[bytes], seconds: float) -> Iterator[threading.Event]:
    late = threading.Event()

    def end() -> None:
        late.set()
        child.kill()

    timer = threading.Timer(seconds, end)
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise Unavailable("The query process has no pipes.")
    return stream

"""What a command prints: JSON as the API answers it, or text for people; progress on stderr, on a terminal only."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any

import typer

from modelwright.core import wire
from modelwright.core.operation import Transfer

Json = Annotated[bool, typer.Option("--json", help="Print what the API would answer.")]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="How many to show.")]
After = Annotated[str | None, typer.Option(metavar="NEXT", help="Go on where the page before said so.")]

_LONG = 4 << 20
"""Bytes from which a transfer is shown."""

_CONTROLS = {
    code: f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
    for code in (*range(32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
    if code != ord("\n")
}
"""What steers a terminal, or turns the direction of writing, as it is shown instead."""


def plain(text: str) -> str:
    r"""The text with its control characters written out: what others wrote must not steer the reader's terminal.

    Example:
        >>> print(plain("\x1b[31mred"))
        \x1b[31mred
    """
    return text.translate(_CONTROLS)


def show(value: Any, *, json: bool, text: Callable[[], str]) -> None:
    """Print a value.

    Args:
        value: What the operation answered.
        json: As JSON, on one line.
        text: Makes the words for people; not called for JSON.
    """
    typer.echo(wire.encode(value).decode() if json else plain(text().rstrip()))


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str, more: str | None = None) -> str:
    """Rows under headings, in columns.

    Args:
        columns: Headings.
        rows: Cells; none is shown as a dash.
        empty: What to say when there are none, and how to change that.
        more: Where the next page begins, if there is one.
    """
    from rich.console import Console  # weight: 60 modules
    from rich.table import Table
    from rich.text import Text

    cells = [["-" if cell is None else _line(cell) for cell in row] for row in rows]
    if not cells:
        return empty
    drawn = Table(box=None, pad_edge=False, header_style="")
    for column in columns:
        drawn.add_column(Text(_line(column)), overflow="fold")  # as text: a name may look like markup
    for row in cells:
        drawn.add_row(*(Text(cell) for cell in row))
    console = Console(width=None if sys.stdout.isatty() else 240)
    with console.capture() as captured:
        console.print(drawn)
    lines = [line.rstrip() for line in captured.get().rstrip("\n").split("\n")]
    return "\n".join([*lines, *([f"More: --after {more}"] if more else [])])


def facts(pairs: Iterable[tuple[str, object]]) -> str:
    """Names and values, aligned; pairs without a value are left out."""
    kept = [(_line(name), _line(value)) for name, value in pairs if value is not None and value != ""]
    width = max((len(name) for name, _ in kept), default=0)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in kept)


def when(moment: datetime | None) -> str:
    """A moment to the second, in UTC."""
    return "-" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}Z"


def short(digest: str | None) -> str:
    """The beginning of a digest, enough to tell it from others."""
    return "-" if digest is None else digest[:12]


@contextmanager
def progress(text: str) -> Iterator[None]:
    """Say what takes a while, on a terminal's stderr."""
    if sys.stderr.isatty():
        typer.echo(plain(f"{text} …"), err=True)
    yield


def transferring() -> Callable[[Transfer], None] | None:
    """How far long transfers have come, on one line of a terminal's stderr that is written anew; none elsewhere."""
    if not sys.stderr.isatty():
        return None
    shown = ""

    def tell(transfer: Transfer) -> None:
        nonlocal shown
        if transfer.size < _LONG:
            return
        way = "Sent" if transfer.way == "up" else "Received"
        share = 100 * transfer.done // transfer.size
        line = f"{way} {share} % of {transfer.size / 1e6:,.0f} MB"
        if line != shown:
            shown = line
            typer.echo(f"\r{line}", nl=transfer.done == transfer.size, err=True)

    return tell


def _line(value: object) -> str:
    return plain(str(value)).replace("\n", "\\n")

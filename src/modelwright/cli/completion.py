"""``modelwright completion``: what lets a shell complete commands and options."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from modelwright.terminal.output import plain

PROGRAM, VARIABLE = "modelwright", "_MODELWRIGHT_COMPLETE"


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(completion)


def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], typer.Argument(help="Your shell.")],
    install: Annotated[bool, typer.Option("--install", help="Write it where the shell looks for it.")] = False,
) -> None:
    """Print what completes commands in your shell."""
    from typer import completion as library  # weight: needed here alone

    made: Any = library  # both names are imported there, which mypy takes for an oversight
    names = {"prog_name": PROGRAM, "complete_var": VARIABLE, "shell": shell}
    if not install:
        typer.echo(made.get_completion_script(**names))
        return
    _, place = made.install(**names)
    typer.echo(plain(f"Written to {place}. Open a new terminal."))

"""``modelwright init | up | status | doctor | demo``: the home and its processes."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from modelwright.core.errors import Invalid
from modelwright.terminal.context import Context, workspace
from modelwright.terminal.output import Json, facts, show, table, when


def add_to(root: typer.Typer) -> None:
    """Hang these commands below the root."""
    for command in (init, up, status, doctor, demo):
        root.command()(command)


def init(
    folder: Annotated[Path, typer.Argument(help="The project's folder; made when it is not there.")] = Path(),
    json: Json = False,
) -> None:
    """Start a project: a home, and an example that works. Nothing is overwritten."""
    from modelwright.scaffold import write  # weight: the home's store

    written = write(folder)
    lines = [f"wrote {name}" for name in written.files] + [f"kept {name}" for name in written.kept]
    there = "" if folder.resolve() == Path.cwd() else f"cd {quote(str(folder))} && "
    show(written, json=json, text=lambda: "\n".join([*lines, f"Next: {there}python train.py"]))


def up(
    context: typer.Context,
    home: Annotated[Path | None, typer.Option(help="The home's folder; made when it is not there.")] = None,
    host: Annotated[str, typer.Option(help="The address to answer on; loopback unless there is login.")] = "127.0.0.1",
    allow_host: Annotated[
        list[str] | None, typer.Option(help="A further host name it answers for, e.g. of a proxy; repeatable.")
    ] = None,
    login: Annotated[
        bool, typer.Option("--login", help="Begin login, if there is none: add `admin`, and print its token once.")
    ] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Dashboard and API.")] = 8900,
    serve_port: Annotated[int, typer.Option(min=0, max=65535, help="Endpoints.")] = 8901,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Inference workers.")] = 2,
) -> None:
    """Start the dashboard, the API and the endpoints. Ctrl-C ends them all."""
    from modelwright.app.home import FOLDER, meant, nearest  # weight: the home's store
    from modelwright.processes.up import first_admin
    from modelwright.processes.up import up as start

    given = context.find_object(Context)
    if given and given.remote:
        raise Invalid("up starts a server; it cannot be pointed at one.", remedy="Give --home instead of --url.")
    said = home or (Path(given.where) if given and given.where else None)
    where = meant(said) if said else nearest(Path.cwd()) or Path.cwd() / FOLDER
    if login and (secret := first_admin(where)) is not None:
        typer.echo(f"admin's token: {secret}")
        typer.echo("Nobody will be told it again. Sign in with it in a browser, or export it as MODELWRIGHT_TOKEN.")

    def ready(api: str, serving: str) -> None:
        typer.echo(f"ready: dashboard and API {api}, endpoints {serving}; Ctrl-C ends them")

    start(
        where,
        host=host,
        names=tuple(allow_host or ()),
        port=port,
        serve_port=serve_port,
        workers=workers,
        say=lambda line: typer.echo(line, err=True),
        ready=ready,
    )


def status(context: typer.Context, json: Json = False) -> None:
    """Show how much there is, and what the endpoints answer with."""
    space = workspace(context)
    overview = space.lifecycle.overview()

    def text() -> str:
        head = facts(
            [
                ("home", space.where),
                ("project", overview.project),
                ("datasets", overview.datasets),
                ("models", overview.models),
                ("runs", overview.runs),
                ("endpoints", overview.endpoints),
                ("predictions", f"{overview.predictions:,}"),
                ("ledger", f"{overview.ledger_entries:,} entries"),
            ]
        )
        rows = [
            (
                e.name,
                f"{e.current.model}@{e.current.version}",
                when(e.current.at),
                e.ended or ("yes" if e.ready else "no"),
            )
            for e in space.endpoints.list().items
        ]
        return head + ("\n\n" + table(("endpoint", "answers with", "since", "ready"), rows, empty="") if rows else "")

    show(overview, json=json, text=text)


def doctor(context: typer.Context, json: Json = False) -> None:
    """Check this machine and the home.

    Versions, disk, permissions, databases, the ledger and every stored byte; exit code 1 when something is wrong.
    """
    from modelwright.app.doctor import examine  # weight: the home's store

    given = context.find_object(Context)
    if given and given.remote:
        raise Invalid("doctor looks at a home's files, not at a server.", remedy="Give --home instead of --url.")
    findings = examine(given.where if given else None)
    rows = [("ok" if finding.healthy else "PROBLEM", finding.what, finding.found) for finding in findings]
    show(findings, json=json, text=lambda: table(("", "what", "found"), rows, empty=""))
    if not all(finding.healthy for finding in findings):
        raise typer.Exit(1)


def demo(
    folder: Annotated[Path, typer.Argument(help="Where to run it; emptied first if an earlier demo made it.")] = Path(
        ".demo"
    ),
    seed: Annotated[int, typer.Option(help="Of everything random in it.")] = 0,
    until: Annotated[str | None, typer.Option(help="The day before which the replay ends, e.g. 2013-09-01.")] = None,
) -> None:
    """Run one model's governed life on a year of real flights."""
    import os
    import sys

    from modelwright.scaffold import flights  # finds the example beside the package

    words = [str(flights() / "demo.py"), str(folder), "--seed", str(seed), *(["--until", until] if until else [])]
    os.execv(sys.executable, [sys.executable, *words])  # noqa: S606  # this process: Ctrl-C waits for the demo's own end

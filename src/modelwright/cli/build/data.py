"""``modelwright data``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelwright.terminal.context import who, workspace
from modelwright.terminal.output import After, Json, Limit, facts, progress, short, show, table, when

if TYPE_CHECKING:
    from modelwright.data.model import ColumnProfile, DatasetVersion

app = typer.Typer(help="Versioned datasets: contract, profile, bytes.", no_args_is_help=True)

Ref = Annotated[str, typer.Argument(help="name@version or name@latest")]


@app.command()
def add(
    context: typer.Context,
    name: str,
    file: Annotated[Path, typer.Argument(help="CSV, Parquet or JSON lines; .gz and .zip are read too.")],
    key: Annotated[str | None, typer.Option(help="The column that names a row.")] = None,
    event_time: Annotated[str | None, typer.Option(help="When what a row is about happened.")] = None,
    known_at: Annotated[str | None, typer.Option(help="When a row became known.")] = None,
    infer_contract: Annotated[
        bool, typer.Option("--infer-contract", help="Take this file as the new measure.")
    ] = False,
    time_zone: Annotated[str | None, typer.Option(help="The zone of times that name none, e.g. UTC.")] = None,
    note: Annotated[str, typer.Option(help="Your words about it.")] = "",
    json: Json = False,
) -> None:
    """Add a version. The same content again is the version it already is."""
    with progress(f"adding {file}"):
        version = workspace(context).data.add(
            name,
            file,
            key=key,
            event_time=event_time,
            known_at=known_at,
            contract="infer" if infer_contract else None,
            time_zone=time_zone,
            note=note,
        )
    show(version, json=json, text=lambda: str(version))


@app.command("list")
def list_(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="A dataset, for its versions.")] = None,
    limit: Limit = 100,
    after: After = None,
    json: Json = False,
) -> None:
    """List datasets, or the versions of one."""
    data = workspace(context).data
    page = data.list(limit=limit, after=after or "") if name is None else data.versions(name, limit=limit, after=after)
    rows = [
        (f"{v.name}@{v.version}", f"{v.rows:,}", f"{v.size_bytes:,}", when(v.created_at), short(v.digest))
        for v in page.items
    ]
    columns = ("version", "rows", "bytes", "added", "digest")
    empty = "No datasets yet. Add one: modelwright data add NAME FILE"
    show(page, json=json, text=lambda: table(columns, rows, empty=empty, more=page.next))


@app.command("show")
def show_(context: typer.Context, ref: Ref, json: Json = False) -> None:
    """Show a version: its contract and profile."""
    version = workspace(context).data.get(ref)
    show(version, json=json, text=lambda: _described(version))


@app.command()
def diff(context: typer.Context, before: Ref, after: Ref, json: Json = False) -> None:
    """Say what changed between versions: schema, statistics, rows."""
    found = workspace(context).data.diff(before, after)
    show(found, json=json, text=lambda: str(found))


@app.command()
def query(
    context: typer.Context,
    sql: Annotated[str, typer.Argument(help='One SELECT; a dataset is a table: flights, or "flights@3".')],
    limit: Limit = 100,
    json: Json = False,
) -> None:
    """Ask a question in SQL."""
    found = workspace(context).data.query(sql, limit=limit)

    def text() -> str:
        rows = table([column.name for column in found.columns], found.rows, empty="No rows.")
        return f"{rows}\nThere are more: --limit shows up to 1,000." if found.truncated else rows

    show(found, json=json, text=text)


@app.command()
def verify(context: typer.Context, ref: Ref, json: Json = False) -> None:
    """Hash every part again. Names the first that was altered; exit code 1 when there is one."""
    found = workspace(context).data.verify(ref)
    show(found, json=json, text=lambda: str(found))
    if not found.intact:
        raise typer.Exit(1)


@app.command()
def export(
    context: typer.Context,
    ref: Ref,
    file: Annotated[Path, typer.Argument(help="A .parquet or .csv file; must not be there yet.")],
    json: Json = False,
) -> None:
    """Write a version's rows to a file."""
    workspace(context).data.export(ref, file)
    show({"ref": ref, "file": str(file)}, json=json, text=lambda: f"{ref} -> {file}")


def _described(version: DatasetVersion) -> str:
    head = facts(
        [
            ("version", f"{version.name}@{version.version}"),
            ("digest", version.digest),
            ("rows", f"{version.rows:,}"),
            ("size", f"{version.size_bytes:,} bytes in {len(version.parts)} parts"),
            ("key", version.key),
            ("event time", version.event_time),
            ("known at", version.known_at),
            ("added", f"{when(version.created_at)} by {who(version.created_by)}"),
            ("note", version.note),
        ]
    )
    nullable = {column.name: column.nullable for column in version.contract.columns}
    rows = [
        (p.name, p.dtype, "yes" if nullable.get(p.name) else "no", f"{p.missing:,}", p.distinct, *_range(p))
        for p in version.profile
    ]
    columns = ("column", "type", "nullable", "missing", "distinct", "minimum", "maximum")
    return f"{head}\n\n{table(columns, rows, empty='')}"


def _range(profile: ColumnProfile) -> tuple[object, object]:
    return profile.minimum, profile.maximum

"""``modelwright doc``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelwright.cli.build.models import Ref
from modelwright.cli.govern.findings import details
from modelwright.terminal.context import who, workspace
from modelwright.terminal.output import After, Json, Limit, facts, progress, short, show, table, when

if TYPE_CHECKING:
    from modelwright.documents.model import Kept, Status

app = typer.Typer(help="What is written of versions, and what people attest.", no_args_is_help=True)

Form = Annotated[str, typer.Option("--format", metavar="md|html|pdf", help="In which form.")]
Out = Annotated[Path | None, typer.Option(help="Where to; Markdown goes to the terminal without it.")]
Kept_ = Annotated[str | None, typer.Option("--digest", help="One that was kept, as it was then.")]
Against = Annotated[str | None, typer.Option(metavar="MODEL@VERSION", help="The version to compare it with.")]


@app.command()
def card(
    context: typer.Context, ref: Ref, form: Form = "md", out: Out = None, digest: Kept_ = None, json: Json = False
) -> None:
    """Show or write a version's model card."""
    _made(context, ref, "model_card", form=form, out=out, json=json, digest=digest)


@app.command()
def technical(
    context: typer.Context,
    ref: Ref,
    against: Against = None,
    form: Form = "md",
    out: Out = None,
    digest: Kept_ = None,
    json: Json = False,
) -> None:
    """Show or write a version's technical file."""
    _made(context, ref, "technical_file", form=form, out=out, json=json, against=against, digest=digest)


@app.command()
def changes(
    context: typer.Context,
    ref: Ref,
    against: Against = None,
    form: Form = "md",
    out: Out = None,
    digest: Kept_ = None,
    json: Json = False,
) -> None:
    """Show or write what differs from the one it replaces."""
    _made(context, ref, "change_report", form=form, out=out, json=json, against=against, digest=digest)


@app.command()
def declaration(
    context: typer.Context, ref: Ref, form: Form = "md", out: Out = None, digest: Kept_ = None, json: Json = False
) -> None:
    """Show or write the declaration of conformity so far."""
    _made(context, ref, "declaration", form=form, out=out, json=json, digest=digest)


@app.command()
def status(context: typer.Context, ref: Ref, json: Json = False) -> None:
    """Show how far a version's documents are."""
    found = workspace(context).documents.status(ref)
    show(found, json=json, text=lambda: _standing(found))


@app.command()
def questions(
    context: typer.Context,
    ref: Ref,
    kind: Annotated[str | None, typer.Option(help="Of one document: technical_file, declaration, ….")] = None,
    json: Json = False,
) -> None:
    """List what a version's documents ask people."""
    found = workspace(context).documents.questions(ref, kind=kind)
    rows = [(one.kind, one.item, one.clause, one.answer and when(one.answer.at), one.question) for one in found]
    columns = ("document", "item", "clause", "answered", "question")
    show(found, json=json, text=lambda: table(columns, rows, empty="No document asks people for anything."))


@app.command()
def attest(
    context: typer.Context,
    ref: Ref,
    item: Annotated[str, typer.Argument(metavar="ITEM", help="The question, as `doc status` calls it.")],
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The answer, without figures.")],
    kind: Annotated[str, typer.Option(help="The document that asks.")] = "technical_file",
    name: Annotated[
        list[str] | None, typer.Option("--name", help="A standard, certificate or address; repeat for more.")
    ] = None,
    json: Json = False,
) -> None:
    """Answer a question that no program can."""
    found = workspace(context).documents.attest(ref, item, text, kind=kind, names=tuple(name or ()))
    said = f"{found.ref} {found.item}: attested by {who(found.by)} at {when(found.at)}, {short(found.digest)}"
    show(found, json=json, text=lambda: said)


@app.command()
def declare(context: typer.Context, ref: Ref, json: Json = False) -> None:
    """Declare conformity. Exit code 3 while anything is missing."""
    found = workspace(context).documents.declare(ref)
    said = f"{found.subject} declared in conformity by {who(found.by)} at {when(found.at)}, {short(found.document)}"
    show(found, json=json, text=lambda: said)


@app.command()
def keep(context: typer.Context, ref: Ref, json: Json = False) -> None:
    """Keep a version's documents as they are now."""
    found = workspace(context).documents.keep(ref)
    show(found, json=json, text=lambda: "\n".join(map(str, found)))


@app.command()
def check(context: typer.Context, ref: Ref, json: Json = False) -> None:
    """Count what is missing, for the gate `documented`."""
    found = workspace(context).documents.check(ref)
    show(found, json=json, text=lambda: f"{found}\n\n{details(found.values)}")


@app.command("list")
def list_(context: typer.Context, ref: Ref, limit: Limit = 50, after: After = None, json: Json = False) -> None:
    """List a version's documents that were kept, newest first."""
    found = workspace(context).documents.list(ref, limit=limit, after=after)
    rows = map(_row, found.items)
    empty = f"No document of {ref} was kept yet. Keep them as they are now: modelwright doc keep {ref}"
    columns = ("document", "computed", "attested", "missing", "kept", "by", "digest")
    show(found, json=json, text=lambda: table(columns, rows, empty=empty, more=found.next))


def _made(
    context: typer.Context, ref: str, kind: str, *, form: str, out: Path | None, json: bool, **more: str | None
) -> None:
    documents = workspace(context).documents
    if json:
        show(documents.get(ref, kind, **more), json=True, text=str)
        return
    if out is None and form != "md":
        raise typer.BadParameter(f"{form} goes to a file: add --out FILE", param_hint="--format")
    with progress(f"Making the {kind.replace('_', ' ')} of {ref}"):
        content: bytes = documents.read(ref, kind, format=form, **more)
    if out is None:
        show(None, json=False, text=content.decode)
    else:
        out.write_bytes(content)
        show(None, json=False, text=lambda: f"{ref} -> {out} ({len(content):,} bytes)")


def _row(kept: Kept) -> tuple[object, ...]:
    counts = kept.counts
    return (kept.kind, counts.computed, counts.attested, counts.missing, when(kept.at), who(kept.by), kept.digest)


def _standing(found: Status) -> str:
    rows = [
        (
            one.kind,
            one.counts.computed,
            one.counts.attested,
            one.counts.missing,
            one.kept and when(one.kept.at),
            ", ".join(one.lacking),
        )
        for one in found.documents
    ]
    columns = ("document", "computed", "attested", "missing", "kept", "lacks")
    made = found.declaration
    head = facts([("version", found.subject), ("declared", f"{when(made.at)} by {who(made.by)}" if made else "not")])
    return head + "\n\n" + table(columns, rows, empty="")

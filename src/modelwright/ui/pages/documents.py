"""Documents of a version: how they stand, and each with what its statements rest on."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from modelwright.documents.formats.lines import numbered
from modelwright.documents.model import Asked, Document, Format, Kind, Status
from modelwright.facts.model import Missing, Source, SourceKind
from modelwright.ui.page import Ask, File, View
from modelwright.ui.render import version_path

_VERSIONS = {SourceKind.DATA: "data", SourceKind.FEATURES: "features", SourceKind.PACKAGE: "models"}
_OF_MODELS = {SourceKind.CHARTER: "", SourceKind.REGISTER: "/risks", SourceKind.FEASIBILITY: "/feasibility"}
"""Where a model's page, or one below it, tells of the source."""
_NO_PAGE = {SourceKind.ATTESTATION, SourceKind.CODE, SourceKind.POLICY}


def load_list(ask: Ask) -> View:
    """How a version's documents stand, and those that were kept."""
    status: Status = ask.workspace.documents.status(_ref(ask))
    made = [one for one in status.documents if one.kind is not Kind.DECLARATION]
    context = {
        "status": status,
        "missing": sum(one.counts.missing for one in made),
        "complete": [one.title.lower() for one in made if not one.counts.missing],
        "kept": ask.read_all("documents.list", status.subject, limit=100),
    }
    return View("documents", f"Documents of {status.subject}", context)


def load(ask: Ask) -> View:
    """One document, or the file of it that ``as`` asks for."""
    asked = {name: ask.word(name) or None for name in ("against", "digest")}
    kind = ask.path["kind"]
    wanted = ask.word("as")
    if wanted:
        content = ask.workspace.documents.read(_ref(ask), kind, format=wanted, **asked)
        return View(file=File(content=content, name=f"{_ref(ask)}-{kind}.{wanted}".replace("@", "-")))
    document: Document = ask.workspace.documents.get(_ref(ask), kind, **asked)
    numbers = numbered(document)
    kept = {name: value for name, value in asked.items() if value}
    context = {
        "document": document,
        "digest": document.digest,
        "as_kept": asked["digest"],
        "numbers": numbers,
        "sources": [(source, number, address(source)) for source, number in numbers.items()],
        "is_missing": lambda said: isinstance(said, Missing),
        "asked": {} if asked["digest"] else _asked(ask, kind),
        "downloads": [(form, "?" + urlencode({**kept, "as": form.value})) for form in Format],
    }
    return View("document", str(document), context)


def _asked(ask: Ask, kind: str) -> dict[str, Asked]:
    """What the document asks people, by item, for who may answer."""
    if not ask.offers("documents.attest"):
        return {}
    return {one.item: one for one in ask.workspace.documents.questions(_ref(ask), kind=kind)}


def address(source: Source) -> str:
    """The page of a source; empty where it has none."""
    if source.kind in _NO_PAGE:
        return ""
    if source.kind in _VERSIONS:
        return version_path(_VERSIONS[source.kind], source.name)
    if source.kind is SourceKind.EVIDENCE:  # "evaluation of flight-delay@3"
        return version_path("models", source.name.rpartition(" ")[2])
    if source.kind in _OF_MODELS:  # "flight-delay 2"
        return version_path("models", source.name.partition(" ")[0]) + _OF_MODELS[source.kind]
    if source.kind in (SourceKind.PIPELINE, SourceKind.ASSUMPTION):
        return version_path(f"{source.kind.value}s", source.name.partition("@")[0])
    return f"/{source.kind.value}{'' if source.kind is SourceKind.LEDGER else 's'}/{quote(source.name, safe='')}"


def _ref(ask: Ask) -> str:
    return f"{ask.path['name']}@{ask.path['version']}"

"""Documents as Markdown: what people wrote is escaped, so that it is read as it was written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from modelwright.documents.formats.lines import below, numbered, origin, provenance, where
from modelwright.documents.model import Document
from modelwright.facts.model import Source, Statement

_SPECIAL = re.compile(r"([\\`*\[\]<>|~&]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")


def as_markdown(document: Document) -> str:
    """The document in Markdown."""
    return "\n".join(_lines(document)) + "\n"


def escaped(text: str) -> str:
    r"""Text that Markdown shows as it is, on one line.

    Example:
        >>> escaped("*roc_auc* <b>")
        '\\*roc_auc\\* \\<b\\>'
    """
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _lines(document: Document) -> Iterator[str]:
    numbers = numbered(document)
    yield f"# {document.title} of {escaped(document.subject)}"
    yield ""
    for line in provenance(document):
        yield f"{escaped(line)}  "
    for section in document.sections:
        yield ""
        yield f"## {escaped(where(section.clause, section.title))}"
        for item in section.items:
            yield ""
            yield f"### {escaped(where(item.clause, item.title))}"
            yield ""
            for said in item.statements:
                yield from _said(said, numbers)
    yield ""
    yield "## Sources"
    yield ""
    for source, number in numbers.items():
        yield f"- ({number}) {escaped(origin(source))}"


def _said(said: Statement, numbers: Mapping[Source, int]) -> Iterator[str]:
    yield f"- **{said.state}** {escaped(said.text)}"
    yield f"  - {escaped(below(said, numbers))}"

"""Documents as one HTML file: no script, nothing fetched, the style inside; what people wrote is text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

from modelwright.documents.formats.lines import below, numbered, origin, provenance, where
from modelwright.documents.model import Document
from modelwright.facts.model import Source, Statement

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere; }
h1, h2, h3 { line-height: 1.2; } h2 { margin-top: 2.5rem; } h3 { margin-bottom: .3rem; }
ul { list-style: none; padding: 0; }
ul li { margin: .6rem 0; padding-left: .8rem; border-left: 3px solid; }
li.attested { border-left-style: double; } li.missing { border-left-style: dashed; }
b.state { font-size: .75em; letter-spacing: .05em; border: 1px solid; border-radius: 3px; padding: 0 .3em; }
small { display: block; opacity: .75; }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def as_html(document: Document) -> str:
    """The document as HTML."""
    return "\n".join(_lines(document)) + "\n"


def _lines(document: Document) -> Iterator[str]:
    numbers = numbered(document)
    title = escape(f"{document.title} of {document.subject}")
    yield "<!doctype html>"
    yield '<html lang="en"><head><meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{title}</title><style>{_STYLE}</style></head><body>"
    yield f"<h1>{title}</h1>"
    for line in provenance(document):
        yield f"<p>{escape(line)}</p>"
    for section in document.sections:
        yield f"<h2>{escape(where(section.clause, section.title))}</h2>"
        for item in section.items:
            yield f"<h3>{escape(where(item.clause, item.title))}</h3><ul>"
            for said in item.statements:
                yield from _said(said, numbers)
            yield "</ul>"
    yield "<h2>Sources</h2><ol>"
    yield from (f"<li>{escape(origin(source))}</li>" for source in numbers)
    yield "</ol></body></html>"


def _said(said: Statement, numbers: Mapping[Source, int]) -> Iterator[str]:
    yield f'<li class="{said.state.lower()}"><b class="state">{said.state}</b> {escape(said.text)}'
    yield f"<small>{escape(below(said, numbers))}</small></li>"

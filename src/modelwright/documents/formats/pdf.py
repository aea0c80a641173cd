"""Documents as PDF, by reportlab: the fonts are embedded, the bytes depend on the document alone."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from modelwright.core.errors import Unavailable
from modelwright.documents.formats.lines import below, numbered, origin, provenance, where
from modelwright.documents.model import Document
from modelwright.facts.model import Source, Statement

if TYPE_CHECKING:
    from reportlab.lib.styles import ParagraphStyle

_MARGIN = 56
"""Points: two centimetres."""


def as_pdf(document: Document) -> bytes:
    """The document as PDF.

    Raises:
        Unavailable: reportlab or its font is not installed.
    """
    _require()
    from reportlab.lib.pagesizes import A4  # weight: reportlab, 0.3 s
    from reportlab.platypus import SimpleDocTemplate

    buffer = io.BytesIO()
    made = SimpleDocTemplate(
        buffer,
        pagesize=A4,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN,
        title=_text(f"{document.title} of {document.subject}"),
        author="Modelwright",
        invariant=1,  # no clock and no chance in the file
        lang="en",
    )
    made.build(list(_flow(document)), onFirstPage=_numbered, onLaterPages=_numbered)
    return buffer.getvalue()


def _flow(document: Document) -> Iterator[Any]:
    styles, numbers = _styles(), numbered(document)
    yield _paragraph(f"{document.title} of {document.subject}", styles["title"])
    for line in provenance(document):
        yield _paragraph(line, styles["note"])
    for section in document.sections:
        yield _paragraph(where(section.clause, section.title), styles["section"])
        for item in section.items:
            yield _paragraph(where(item.clause, item.title), styles["item"])
            for said in item.statements:
                yield from _said(said, numbers, styles)
    yield _paragraph("Sources", styles["section"])
    for source, number in numbers.items():
        yield _paragraph(f"({number}) {origin(source)}", styles["note"])


def _said(said: Statement, numbers: Mapping[Source, int], styles: Mapping[str, ParagraphStyle]) -> Iterator[Any]:
    state = f'<font name="{_fonts()[1]}" size="8">{said.state}</font> '
    yield _paragraph(said.text, styles["said"], begins=state)
    yield _paragraph(below(said, numbers), styles["note"])


def _paragraph(words: str, style: ParagraphStyle, *, begins: str = "") -> Any:
    from reportlab.platypus import Paragraph

    return Paragraph(begins + escape(_text(words)), style)


def _text(words: str) -> str:
    """Words in letters that the font has; another letter is written as its code point, so that nothing is lost."""
    known = _letters()
    return "".join(
        letter if ord(letter) in known and letter.isprintable() else f"<U+{ord(letter):04X}>"
        for letter in " ".join(words.split())
    )


def _numbered(canvas: Any, made: Any) -> None:
    canvas.setFont(_fonts()[0], 8)
    canvas.drawRightString(made.pagesize[0] - _MARGIN, _MARGIN / 2, str(canvas.getPageNumber()))


@cache
def _styles() -> dict[str, ParagraphStyle]:
    from reportlab.lib.styles import ParagraphStyle

    plain, bold = _fonts()
    said = ParagraphStyle("said", fontName=plain, fontSize=9.5, leading=13, spaceBefore=4, leftIndent=8)
    return {
        "said": said,
        "note": ParagraphStyle("note", said, fontSize=7.5, leading=10, spaceBefore=0, textColor="#444444"),
        "title": ParagraphStyle("title", fontName=bold, fontSize=18, leading=24, spaceAfter=8),
        "section": ParagraphStyle("section", fontName=bold, fontSize=13, leading=18, spaceBefore=16, keepWithNext=1),
        "item": ParagraphStyle("item", fontName=bold, fontSize=10.5, leading=14, spaceBefore=8, keepWithNext=1),
    }


@cache
def _fonts() -> tuple[str, str]:
    """The names of the plain and the bold font, registered."""
    import font_roboto
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    for name, file in (("Roboto", font_roboto.Roboto), ("Roboto-Bold", font_roboto.RobotoBold)):
        pdfmetrics.registerFont(TTFont(name, file))
    return "Roboto", "Roboto-Bold"


@cache
def _letters() -> frozenset[int]:
    from reportlab.pdfbase import pdfmetrics

    return frozenset.intersection(*(frozenset(pdfmetrics.getFont(name).face.charToGlyph) for name in _fonts()))


def _require() -> None:
    try:
        import font_roboto
        import reportlab
    except ImportError as error:
        raise Unavailable(
            f"PDF is written by a library that is not installed here: {error}.",
            remedy="Install it: pip install 'modelwright[pdf]'. Markdown and HTML need nothing.",
        ) from error
    del font_roboto, reportlab

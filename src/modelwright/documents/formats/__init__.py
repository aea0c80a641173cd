"""Documents as bytes: Markdown, HTML, PDF. The same document gives the same bytes."""

from __future__ import annotations

from modelwright.documents.formats.html import as_html
from modelwright.documents.formats.markdown import as_markdown
from modelwright.documents.model import Document, Format

MEDIA_TYPES = {Format.MD: "text/markdown", Format.HTML: "text/html", Format.PDF: "application/pdf"}


def rendered(document: Document, form: Format) -> bytes:
    """The document as a file.

    Raises:
        Unavailable: PDF is asked for, and what writes it is not installed.
    """
    match form:
        case Format.MD:
            return as_markdown(document).encode()
        case Format.HTML:
            return as_html(document).encode()
        case Format.PDF:
            from modelwright.documents.formats.pdf import as_pdf  # weight: reportlab, 0.3 s

            return as_pdf(document)

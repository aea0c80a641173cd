"""Documents as files: the same statements in each, and nothing that people wrote is run."""

import io
import sys
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from modelwright.core.errors import Unavailable
from modelwright.documents.formats import rendered
from modelwright.documents.formats.lines import below, numbered
from modelwright.documents.formats.markdown import escaped
from modelwright.documents.model import Document, Format, Item, Kind, Section, Template
from modelwright.facts.model import Source, SourceKind
from modelwright.facts.saying import attested, computed, missing
from modelwright.stats.model import Interval

HOSTILE = "<script>alert(1)</script> *x* [y](javascript:z) | `q` _u_ & &lt; {{ 7 }} <font color=red> \\ </ul>"
WIDE = "Žluťoučký Ελληνικά Кириллица"
BEYOND = "名前 مرحبا 🛩️ \x00\x1b[31m"
GOLDEN = Path(__file__).with_name("golden.md")


def written(*words: str) -> Document:
    """A document in which such words are everywhere."""
    package = Source(kind=SourceKind.PACKAGE, name="m@1", digest="a" * 64)
    evidence = Source(kind=SourceKind.EVIDENCE, name="evaluation of m@1", digest="b" * 64)
    at = datetime(2026, 1, 5, 10, 30, tzinfo=UTC)
    score = Interval(estimate=0.7412, low=0.7297, high=0.7527, n=400, method="delong")
    said = [
        computed("Its {metric} is {score} on {n} rows.", evidence, metric="roc_auc", score=score, n=12345),
        *(computed("It is called {name}.", package, name=word) for word in words),
        *(attested("Whoever made it wrote: {words}", package, by=word, at=at, words=word) for word in words),
        missing("Nothing is known of {ref}.", "Run: modelwright model show {ref}", package, ref="m@1"),
    ]
    item = Item(id="details", clause="1(a)", title="Details", statements=tuple(said))
    return Document(
        kind=Kind.MODEL_CARD,
        title="Model card",
        subject="m@1",
        package="a" * 64,
        template=Template(name="small", version="1", digest="c" * 64, cites="a test"),
        as_of=at,
        sections=(Section(clause="Point 1", title="What it is", items=(item,)),),
    )


def squeezed(text: str) -> str:
    return "".join(text.split())


def test_markdown_is_what_it_was():
    """golden.md was read by a person; it changes when a person has read it again."""
    assert rendered(written("flight-delay", HOSTILE), Format.MD).decode() == GOLDEN.read_text()


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60))
def test_markdown_shows_what_was_written(words):
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(f"- said {escaped(words)} end")
    assert squeezed(Reading.of(html).text) == squeezed(f"said {words} end")


class Reading(HTMLParser):
    """The tags and the text of a page, as a browser reads them."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.tags, self.text = [], ""
        self._silent = False

    @classmethod
    def of(cls, page):
        made = cls()
        made.feed(page)
        made.close()
        return made

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._silent = tag in {"style", "title"}

    def handle_endtag(self, tag):
        self._silent = False

    def handle_data(self, data):
        self.text += "" if self._silent else data


@settings(max_examples=30)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=60) | st.just(HOSTILE))
def test_html_shows_words_and_runs_nothing(words):
    document = written(words)
    found = Reading.of(rendered(document, Format.HTML).decode())
    assert {tag for tag, _ in found.tags} <= {
        *("html", "head", "meta", "title", "style", "body"),
        *("h1", "h2", "h3", "p", "ul", "ol", "li", "b", "small"),
    }
    assert {name for _, attributes in found.tags for name in attributes} <= {
        *("lang", "charset", "http-equiv", "content", "name", "class"),
    }
    for said in document.statements:
        assert squeezed(said.text) in squeezed(found.text)


def test_html_says_what_each_statement_rests_on_without_colour():
    page = rendered(written("x"), Format.HTML).decode()
    for state in ("COMPUTED", "ATTESTED", "MISSING"):
        assert f'<b class="state">{state}</b>' in page
    assert "default-src 'none'" in page


@pytest.mark.parametrize("words", ["flight-delay", HOSTILE, WIDE, "w" * 500])
def test_pdf_says_what_markdown_says(words):
    document = written(words)
    pages = pypdf.PdfReader(io.BytesIO(rendered(document, Format.PDF))).pages
    text = squeezed("".join(page.extract_text() for page in pages))
    numbers = numbered(document)
    markdown = squeezed(Reading.of(MarkdownIt().render(rendered(document, Format.MD).decode())).text)
    for said in document.statements:
        for line in (said.text, below(said, numbers)):
            assert squeezed(line) in text
            assert squeezed(line) in markdown


def test_a_letter_that_the_font_lacks_is_written_as_its_number():
    pages = pypdf.PdfReader(io.BytesIO(rendered(written(BEYOND), Format.PDF))).pages
    text = squeezed("".join(page.extract_text() for page in pages))
    assert "<U+540D><U+524D>" in text
    assert "<U+0000>" in text


def test_pdf_is_the_same_every_time_and_embeds_its_fonts():
    document = written("flight-delay", WIDE)
    made = rendered(document, Format.PDF)
    assert made == rendered(document, Format.PDF)
    fonts = pypdf.PdfReader(io.BytesIO(made)).pages[0]["/Resources"]["/Font"]
    embedded = [str(font.get_object()["/BaseFont"]) for font in fonts.values()]
    assert any("Roboto" in name for name in embedded)


def test_without_its_library_pdf_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "reportlab", None)
    with pytest.raises(Unavailable, match="not installed here") as raised:
        rendered(written("x"), Format.PDF)
    assert "modelwright[pdf]" in raised.value.remedy

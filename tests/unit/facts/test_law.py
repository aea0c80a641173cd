"""LAW: no free figure. A figure stands in a document only as a value whose source is linked."""

import ast
import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import modelwright.facts
from modelwright.facts.model import Attested, Computed, Missing, Source, SourceKind, State, Value, first_figure
from modelwright.facts.saying import computed, missing, shown, value_of
from modelwright.facts.table import FACTS
from modelwright.stats.model import Interval

PACKAGE = Source(kind=SourceKind.PACKAGE, name="m@1", digest="a" * 64)
NOW = datetime(2026, 1, 5, tzinfo=UTC)
FIGURES = st.characters(categories=["Nd", "Nl", "No"])
WORDS = st.text(st.characters(exclude_categories=["Nd", "Nl", "No", "Cs"], exclude_characters="{}"))


@given(before=WORDS, figure=FIGURES, after=WORDS)
def test_words_that_hold_a_figure_are_no_statement(before, figure, after):
    says = before + figure + after
    with pytest.raises(ValueError, match="has no source"):
        computed(says, PACKAGE)
    with pytest.raises(ValueError, match="has no source"):
        missing(says, "Do it.", PACKAGE)
    with pytest.raises(ValueError, match="figure"):
        missing("It is missing.", says, PACKAGE)


@given(words=WORDS, value=st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text())
def test_a_value_may_be_anything_and_is_shown_as_it_is(words, value):
    said = computed(words + "{found}", PACKAGE, found=value)
    assert said.text == words + shown(value)
    assert said.sources == (PACKAGE,)


@pytest.mark.parametrize(
    ("says", "values", "sources"),
    [
        ("It is {found}.", {}, (PACKAGE,)),
        ("It is.", {"found": Value(shown="7")}, (PACKAGE,)),
        ("It is {found}.", {"found": Value(shown="7", source=1)}, (PACKAGE,)),
        ("It is {found}.", {"found": Value(shown="7")}, ()),
        ("It is.", {}, ()),
    ],
)
def test_a_value_without_a_place_or_a_source_is_no_statement(says, values, sources):
    with pytest.raises(ValueError, match=r"value|source"):
        Computed(says=says, values=values, sources=sources)


def test_what_is_attested_stands_under_a_digest():
    bare = Source(kind=SourceKind.RUN, name="1")
    with pytest.raises(ValueError, match="digest"):
        Attested(says="So it is.", sources=(bare,), by="anna", at=NOW)


def test_what_is_missing_says_what_to_do():
    with pytest.raises(ValueError, match="remedy"):
        missing("It is missing.", "", PACKAGE)
    said = missing("{ref} is missing.", "Find {ref}.", PACKAGE, ref="m@1")
    assert (said.text, said.advice, said.state) == ("m@1 is missing.", "Find m@1.", State.MISSING)


def test_figures_keep_what_was_rounded_away():
    interval = Interval(estimate=0.123456, low=0.1, high=0.2, n=7, method="delong")
    assert value_of(interval).exact == (0.123456, 0.1, 0.2)
    assert value_of(0.123456) == Value(shown="0.1235", exact=0.123456)
    assert value_of(True).exact is None
    assert value_of("7").exact is None


def test_first_figure_knows_every_script():
    for letter in "7½²٣Ⅳ①":
        assert unicodedata.category(letter).startswith("N")
        assert first_figure(f"a{letter}b") == letter
    assert first_figure("一 two trois") == ""


def templates():
    """The words of every statement that a fact can make, also those that no test reaches."""
    for path in sorted(Path(modelwright.facts.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id
            if called in ("computed", "attested", "missing", "_unsaid", "_moved"):
                for piece in (inner for argument in node.args for inner in ast.walk(argument)):
                    if isinstance(piece, ast.Constant) and isinstance(piece.value, str):
                        yield f"{path.name}:{node.lineno}", piece.value


def test_no_template_holds_a_figure():
    found = list(templates())
    assert len(found) > 80
    assert [(place, words) for place, words in found if first_figure(words)] == []


def test_every_fact_is_of_this_room_and_says_what_it_is():
    for name, fact in FACTS.items():
        assert fact.__module__.startswith("modelwright.facts."), name
        assert fact.__doc__, name


def test_a_missing_has_its_own_kind_of_statement():
    said = Missing(says="Nothing.", remedy="Do it.")
    assert said.state is State.MISSING

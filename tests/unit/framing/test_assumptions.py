"""Assumptions: linked to what they are about, kept for good, and outdated when that moves on."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.core import wire
from modelwright.core.errors import Conflict, Invalid, NotFound
from modelwright.framing.model import Assumption
from support.life import MODEL, real


def record(team, name="x-is-kelvin", statement="An x below 0 is an error.", **about):
    about = about or {"dataset": "questions@1", "column": "x"}
    return team.ws.assumptions.record(name, statement, "The sensor cannot say so.", **about)


def test_an_assumption_is_kept_with_what_it_is_about_and_by_whom(team):
    found = record(team, dataset="questions@latest", column="x")
    assumption = found.said.assumption
    assert (assumption.data, assumption.column) == (team.ws.data.get("questions@1").pinned, "x")
    assert (found.said.by, found.said.version, found.outdated) == ("owner", 1, ())
    assert assumption.about == "x of questions@1"
    assert team.ws.assumptions.get("x-is-kelvin") == found


@pytest.mark.parametrize(
    ("about", "error", "said"),
    [
        ({"dataset": "questions@9"}, NotFound, "questions@9"),
        ({"dataset": "answers@1"}, NotFound, "answers"),
        ({"dataset": "questions@1", "column": "y"}, Invalid, "questions@1 has no column 'y'"),
        ({"column": "x"}, Invalid, "the column 'x' of no dataset"),
        ({"feature": "context@1/z"}, Invalid, "context@1 has no feature 'z'"),
        ({"feature": "context@7/x"}, NotFound, "context@7"),
        ({"feature": "x"}, Invalid, "VIEW@VERSION/FEATURE"),
        ({"feature": None}, Invalid, "about no data"),
    ],
)
def test_a_link_to_nothing_is_refused_with_what_there_is(team, about, error, said):
    with pytest.raises(error) as refused:
        record(team, **about)
    assert said in str(refused.value)
    assert team.ws.assumptions.list().items == []


def test_it_says_that_newer_data_has_come(team):
    record(team)
    record(team, "all-of-it", dataset="questions@1")
    team.commit(rows=900)
    team.commit(rows=800, drop=["x"])
    assert team.ws.assumptions.get("all-of-it").outdated == ("judged on questions@1, newest is @3",)
    assert team.ws.assumptions.get("x-is-kelvin").outdated == (
        "judged on questions@1, newest is @3",
        "questions@3 has no column x",
    )
    team.commit()
    assert team.ws.assumptions.get("x-is-kelvin").outdated == (), "the very same bytes are newest again"


def test_a_feature_that_reads_the_same_in_a_newer_view_is_not_outdated(team):
    record(team, feature="context@1/x")
    team.apply("x", "z")
    assert team.ws.assumptions.get("x-is-kelvin").outdated == ()
    team.apply("x", max_age="6h")
    assert team.ws.assumptions.get("x-is-kelvin").outdated == ("x was judged in context@1, and is another in @3",)
    team.apply("z")
    assert team.ws.assumptions.get("x-is-kelvin").outdated == ("context@4 has no feature x",)


def test_the_same_again_adds_nothing_and_other_words_supersede(team):
    first = record(team)
    assert record(team) == first
    second = record(team, statement="An x below -1 is an error.")
    assert second.said.version == 2
    assert [one.assumption.statement for one in team.ws.assumptions.versions("x-is-kelvin")] == [
        "An x below -1 is an error.",
        "An x below 0 is an error.",
    ]
    assert [one.said.version for one in team.ws.assumptions.list().items] == [2]
    kinds = [entry.envelope.kind for entry in team.ws.ledger.list(kind="framing.assumption_recorded").items]
    assert len(kinds) == 2


def test_what_is_withdrawn_stays_on_record_and_can_be_said_again(team):
    record(team)
    gone = team.ws.assumptions.withdraw("x-is-kelvin", "The sensor was changed.")
    assert (gone.said.withdrawn, gone.outdated) == ("The sensor was changed.", ())
    with pytest.raises(Conflict, match=r"was withdrawn on .* already: The sensor was changed\."):
        team.ws.assumptions.withdraw("x-is-kelvin", "again")
    assert team.ws.assumptions.of(f"{MODEL}@1") == ()
    assert record(team).said.version == 3
    assert [bool(one.withdrawn) for one in team.ws.assumptions.versions("x-is-kelvin")] == [False, True, False]
    for ask in (team.ws.assumptions.get, team.ws.assumptions.versions):
        with pytest.raises(NotFound, match="There is no assumption nothing") as unknown:
            ask("nothing")
        assert "modelwright assumption list" in unknown.value.remedy


def test_a_model_s_version_has_the_assumptions_of_what_it_learned_from(team):
    team.ws.data.add("weather", {"at": [1, 2], "rain": [0.5, 0.25]})
    record(team)
    record(team, "rain-is-mm", dataset="weather@1", column="rain")
    record(team, "x-is-fresh", feature="context@1/x")
    assert [one.said.name for one in team.ws.assumptions.of(f"{MODEL}@1")] == ["x-is-kelvin"]
    assert [one.said.name for one in team.ws.assumptions.list(dataset="weather").items] == ["rain-is-mm"]
    assert [one.said.name for one in team.ws.assumptions.list(view="context").items] == ["x-is-fresh"]
    first = team.ws.assumptions.list(limit=2)
    assert [one.said.name for one in first.items] == ["rain-is-mm", "x-is-fresh"]
    assert [one.said.name for one in team.ws.assumptions.list(after=first.next).items] == ["x-is-kelvin"]


def test_documents_quote_it_and_say_where_the_version_learned_from_other_data(team):
    """A document is of one version: what matters is the data it learned from, not what is newest by now."""
    before = {said.says: said for said in team.ws.documents.get(f"{MODEL}@1", "model_card").statements}
    [absent] = [said for says, said in before.items() if "assumed about the data" in says]
    assert "modelwright assumption record NAME --on questions@1" in absent.advice
    record(team)
    team.commit(rows=900)
    team.save(MODEL, real)
    for ref, elsewhere in ((f"{MODEL}@1", False), (f"{MODEL}@2", True)):
        for kind in ("model_card", "technical_file"):
            text = [said.text for said in team.ws.documents.get(ref, kind).statements]
            assert (
                "Of x of questions@1 it is assumed: An x below 0 is an error. Because: The sensor cannot say so."
                in text
            )
            other = f"That was judged on questions@1, and {MODEL}@2 learned from questions@2."
            assert (other in text) is elsewhere


def test_it_is_found_by_its_words_and_stands_in_the_lineage(team):
    record(team)
    record(team, "x-is-fresh", feature="context@1/x")
    assert ("assumption", "x-is-kelvin") in [(hit.kind, hit.key) for hit in team.ws.search.find("below 0")]
    assert "assumption:x-is-kelvin@1" in team.ws.lineage.down("data:questions@1").nodes
    assert "assumption:x-is-fresh@1" in team.ws.lineage.down("features:context@1").nodes


@given(
    st.builds(
        Assumption,
        statement=st.text(min_size=1, max_size=40),
        reason=st.text(min_size=1, max_size=40),
        column=st.none() | st.text(min_size=1, max_size=20),
    )
)
@settings(max_examples=50, deadline=None)
def test_its_digest_is_that_of_its_words(assumption):
    """LAW: it reads the same after storage, and other words have another digest."""
    again = wire.decode(wire.encode(assumption), Assumption)
    assert (again, again.digest) == (assumption, assumption.digest)
    other = wire.convert({**wire.decode(wire.encode(assumption), dict), "reason": assumption.reason + "!"}, Assumption)
    assert other.digest != assumption.digest

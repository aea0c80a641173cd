"""What a reference means, and how an alias moves: only as the guard says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.core.errors import Conflict, Denied, Invalid, NotFound, Refused
from modelwright.core.events import Actor
from modelwright.core.guard import Action, Transition, Verdict, no_guard
from modelwright.core.identity import Identity
from modelwright.core.ids import parse_ref


@pytest.fixture
def three(registry):
    """A model with three versions."""
    for data in (b"a", b"b", b"c"):
        registry.register(data=data)
    return registry


def test_a_version_is_found_by_number_alias_and_latest(three):
    three.models.set_alias("delay@2", "champion")
    assert three.models.get("delay@1").version == 1
    assert three.models.get("delay@champion").version == 2
    assert three.models.get("delay@latest").version == 3
    assert three.models.get("delay@champion").aliases == ("champion",)


@pytest.mark.parametrize("ref", ["delay@4", "delay@0", "delay@nobody", "other@1", "other@latest", "delay@Latest"])
def test_what_is_not_there_is_not_found_and_the_way_to_look_is_said(three, ref):
    with pytest.raises(NotFound) as caught:
        three.models.get(ref)
    assert caught.value.remedy.startswith("See what there is: modelwright model list")


@pytest.mark.parametrize(
    "ref",
    [
        "delay",
        "@1",
        "delay@",
        "delay@1@2",
        "delay@-1",
        "delay @1",
        "../x@1",
        "delay@1\n",
        "delay@é",
        "delay@" + "9" * 16,
    ],
)
def test_nonsense_is_not_a_reference(three, ref):
    with pytest.raises(Invalid):
        three.models.get(ref)


@given(st.text(max_size=20))
def test_a_reference_that_is_read_is_written_the_same(ref):
    try:
        parsed = parse_ref(ref)
    except Invalid:
        return
    assert parse_ref(str(parsed)) == parsed
    assert (parsed.version is None) != (parsed.alias is None)


def test_an_alias_moves_when_the_guard_allows_and_the_ledger_says_so(three, guard):
    three.models.set_alias("delay@1", "champion")
    decision = three.models.set_alias("delay@3", "champion", reason="better")
    assert decision.allowed
    assert three.models.get("delay@champion").version == 3
    assert [(move.version, move.replaces) for move in guard.asked] == [(1, None), (3, 1)]
    newest = three.ws.ledger.list(kind="models.alias_moved").items[0].envelope.body
    assert (newest["version"], newest["previous"], newest["reason"]) == (3, 1, "better")


def test_the_guard_is_asked_about_the_very_bytes(three, guard):
    version = three.models.get("delay@2")
    three.models.set_alias("delay@2", "champion")
    assert guard.asked == [
        Transition(
            action=Action.SET_ALIAS, model="delay", version=2, package=version.package, target="champion", replaces=None
        )
    ]


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.UNKNOWN])
def test_a_refused_move_changes_nothing_and_says_why(three, guard, verdict):
    three.models.set_alias("delay@1", "champion")
    before = three.state
    guard.verdict = verdict
    decision = three.models.set_alias("delay@3", "champion")
    assert not decision.allowed
    assert three.models.get("delay@champion").version == 1
    assert three.state == before
    with pytest.raises(Refused, match="delay@3 may not become champion: kpi: as the test says") as caught:
        decision.require()
    assert caught.value.remedy == "ask the test"


def test_without_a_guard_nothing_moves(three):
    """A room that was put together without governance fails closed."""
    three.use()
    before = three.state
    with pytest.raises(Refused, match="no guard is installed"):
        three.models.set_alias("delay@1", "champion")
    assert three.state == before
    assert three.platform.services["models"]._guard is no_guard


def test_a_guard_that_fails_lets_nothing_through(three):
    def broken(unit, transition):
        raise RuntimeError("a fault in a gate")

    three.use(guard=broken)
    before = three.state
    with pytest.raises(RuntimeError, match="a fault in a gate"):
        three.models.set_alias("delay@1", "champion")
    assert three.state == before


def test_to_move_an_alias_where_it_is_records_no_move(three, guard):
    three.models.set_alias("delay@1", "champion")
    before = three.state
    assert three.models.set_alias("delay@1", "champion").allowed
    assert three.state == before
    assert len(guard.asked) == 2


def test_the_same_move_under_its_key_is_decided_once(three, guard):
    first = three.models.set_alias("delay@1", "champion", idempotency_key="k")
    guard.verdict = Verdict.FAIL
    assert three.models.set_alias("delay@1", "champion", idempotency_key="k") == first
    assert len(guard.asked) == 1
    with pytest.raises(Conflict):
        three.models.set_alias("delay@2", "champion", idempotency_key="k")


def test_one_version_has_many_aliases_and_one_alias_one_version(three):
    three.models.set_alias("delay@2", "champion")
    three.models.set_alias("delay@2", "approved")
    assert three.models.get("delay@2").aliases == ("approved", "champion")
    three.models.set_alias("delay@3", "champion")
    assert three.models.get("delay@2").aliases == ("approved",)
    assert three.models.list().items[0].aliases == {"approved": 2, "champion": 3}


@pytest.mark.parametrize("alias", ["latest", "3", "007"])
def test_an_alias_that_means_a_version_already_is_refused(three, alias, guard):
    with pytest.raises(Invalid, match="cannot be an alias"):
        three.models.set_alias("delay@1", alias)
    assert guard.asked == []


@pytest.mark.parametrize("alias", ["", "a b", "a/b", ".x", "x" * 129])
def test_an_alias_is_a_plain_name(three, alias):
    with pytest.raises(Invalid, match="a name"):
        three.models.set_alias("delay@1", alias)


def test_an_alias_of_a_version_that_is_not_there_is_not_set(three, guard):
    with pytest.raises(NotFound):
        three.models.set_alias("delay@9", "champion")
    assert guard.asked == []


def test_an_alias_is_of_its_model_and_its_project(three):
    three.register("other")
    three.models.set_alias("delay@2", "champion")
    with pytest.raises(NotFound):
        three.models.get("other@champion")
    elsewhere = Identity(actor=Actor(id="anna"), project="claims", grants=frozenset({"*"}))
    found = three.platform.table.get("models.get")
    with pytest.raises(NotFound):
        three.platform.run(found, found.bind(("delay@2",), {}), identity=elsewhere)


def test_who_may_only_read_moves_nothing(three, guard):
    reader = Identity(actor=Actor(id="rita"), grants=frozenset({"models:read"}))
    found = three.platform.table.get("models.set_alias")
    with pytest.raises(Denied, match="models:write"):
        three.platform.run(found, found.bind(("delay@1", "champion"), {}), identity=reader)
    assert guard.asked == []


def test_versions_are_listed_newest_first_a_page_at_a_time(three):
    page = three.models.versions("delay", limit=2)
    assert ([version.version for version in page.items], page.next) == ([3, 2], "2")
    page = three.models.versions("delay", limit=2, after=page.next)
    assert ([version.version for version in page.items], page.next) == ([1], None)
    assert three.models.versions("delay", after="1").items == []
    with pytest.raises(NotFound):
        three.models.versions("other")


def test_models_are_listed_by_name_a_page_at_a_time(registry):
    for name in ("c", "a", "b"):
        registry.register(name)
    registry.register("b", data=b"2")
    page = registry.models.list(limit=2)
    assert ([(model.name, model.versions, model.latest) for model in page.items], page.next) == (
        [("a", 1, 1), ("b", 2, 2)],
        "b",
    )
    page = registry.models.list(limit=2, after=page.next)
    assert ([model.name for model in page.items], page.next) == (["c"], None)


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_page_has_1_to_1000(registry, limit):
    with pytest.raises(Invalid, match="not 1 to 1000"):
        registry.models.list(limit=limit)
    with pytest.raises(Invalid, match="not 1 to 1000"):
        registry.models.versions("delay", limit=limit)

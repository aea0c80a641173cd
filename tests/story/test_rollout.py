"""LAW: a better challenger is promoted, a worse one is refused with reasons, and no request fails through either.

A house runs; questions come without a pause. A sharp version challenges the coarse one that answers, is compared on the
same requests once their outcomes are known, and takes over. Then the coarse one challenges it, and is refused.
"""

from contextlib import closing
from typing import Any, NamedTuple

import httpx
import pytest

import modelwright as mw
from support.challenge import COARSE, SHARP, asked, concluded, days, home_with_both, mirrored, outcomes, taken_up
from support.house import House, Said, awaits, cli
from support.life import ENDPOINT, MODEL, Stream


class Tale(NamedTuple):
    """What happened: both rollouts, what was printed, what the pages said, and what became of the requests."""

    promoted: Any
    refused: Any
    started: Said
    shown: list[Said]
    pages: list[str]
    stream: Stream
    champion: Any
    counts: Any
    lineage: set[tuple[str, str, str]]
    intact: bool
    said: str


@pytest.fixture(scope="module")
def tale(tmp_path_factory: pytest.TempPathFactory) -> Tale:
    home = home_with_both(tmp_path_factory.mktemp("rollout"))
    house = House(home)
    with house, closing(mw.connect(house.api)) as ws:
        with Stream(lambda: house.serving, days(0, 1)) as stream:
            stream.more(60)
            there = ("--url", house.api)
            started = cli(*there, "endpoint", "challenge", ENDPOINT, SHARP, "--look", "10d", "--cause", "to be sharper")
            shown = [_lived(ws, house, there, 1)]
            promoted = concluded(ws)
            pages = [httpx.get(f"{house.api}/endpoints/{ENDPOINT}/rollout", trust_env=False).text]
            stream.more(60, of=SHARP)
            ws.rollouts.start(ENDPOINT, COARSE, looks=("10d",))
            shown.append(_lived(ws, house, there, 14))
            refused = concluded(ws)
            pages.append(httpx.get(f"{house.api}/rollouts/{refused.id}", trust_env=False).text)
            stream.more(60, of=SHARP)
        awaits(lambda: ws.endpoints.get(ENDPOINT).ready, "every worker answers with the endpoint's version")
        edges = ws.lineage.up(f"endpoint:{ENDPOINT}").edges
        return Tale(
            promoted,
            refused,
            started,
            shown,
            pages,
            stream,
            ws.models.get(f"{MODEL}@champion"),
            ws.predictions.counts(ENDPOINT),
            {(edge.source, edge.target, edge.relation) for edge in edges},
            ws.ledger.verify().intact,
            house.said(),
        )


def _lived(ws: mw.Workspace, house: House, there: tuple[str, str], first: int) -> Said:
    """Thirteen days of questions and their outcomes; how the rollout stood before they had outcomes."""
    taken_up(ws)
    table = days(first, first + 13)
    ids = asked(house.serving, table)
    mirrored(ws, len(ids))
    shown = cli(*there, "rollout", "show", ENDPOINT)
    outcomes(ws, table, ids)
    return shown


def test_the_better_challenger_answers_and_is_champion(tale):
    assert (tale.promoted.outcome, tale.champion.ref) == ("promoted", SHARP)
    assert tale.promoted.reasons[0].startswith("It is better: roc_auc 0.")
    assert tale.promoted.cause == "to be sharper"
    kpi = tale.promoted.comparison.differences[0]
    assert 0 < kpi.better.low < kpi.better.estimate


def test_the_planted_worse_challenger_is_refused_with_reasons(tale):
    assert tale.refused.outcome == "refused"
    assert tale.refused.reasons[0].startswith("It is worse: roc_auc 0.")
    assert "gain -0." in tale.refused.reasons[0]
    assert (tale.refused.answering.ref, tale.refused.challenger.ref) == (SHARP, COARSE)


def test_no_request_failed_and_none_broke(tale):
    assert (tale.stream.failed, tale.stream.broken) == ([], 0)
    assert {answered.model for answered in tale.stream.answered.values()} == {COARSE, SHARP}
    assert tale.counts.answered == len(tale.stream.answered) + 2 * 13 * 50
    assert "Traceback" not in tale.said


def test_commands_and_pages_say_how_it_stands(tale):
    assert "is in the shadow of" in tale.started.out
    assert all("waiting" in said.out and "scored by both" in said.out for said in tale.shown)
    assert "was promoted" in tale.pages[0]
    assert "was refused" in tale.pages[1]


def test_the_graph_and_the_ledger_know(tale):
    endpoint = f"endpoint:{ENDPOINT}"
    assert {(f"model:{SHARP}", endpoint, "challenged"), (f"model:{SHARP}", endpoint, "served")} <= tale.lineage
    assert tale.intact

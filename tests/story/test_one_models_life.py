"""LAW: a newcomer's first model, from data to a governed service and back from one prediction to its bytes.

A life in small, through the faces that people use: the SDK in process and over HTTP, commands, HTTP.
It is lived once; each test reads one of its chapters.
"""

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import roc_auc_score

import modelwright as mw
from support.house import House, Said, awaits, cli
from support.life import (
    APRIL,
    BASELINE,
    CHARTER,
    COLUMNS,
    DATA,
    ENDPOINT,
    JANUARY,
    JULY,
    MARCH,
    MODEL,
    Answered,
    Stream,
    heuristic,
    questions,
    real,
    release,
    weak,
)

CORRECTED = JULY + timedelta(days=31)
FIRST, SECOND = f"{MODEL}@2", f"{MODEL}@3"
ENOUGH = 300


class Life(NamedTuple):
    """What happened.

    Attributes:
        files: The two files that were added, first and second.
        added: What ``data add`` said the first time and the second time, and to the second file.
        stored: Bytes in the home after each of the first two.
        refused: The weak candidate's command.
        champions: The two decisions that were allowed.
        bad: The field that is wrong, the status and the text of the answer.
        asked: The rows that were asked about.
        answered: Prediction id -> what came back.
        failed: Answers that were no predictions.
        broken: Connections that broke.
        early: Prediction id -> the label as it was known first.
        late: The same, corrected.
        before: The home before everything was ended, by question.
        after: The same after a new start.
        one_more: What was answered then.
        end: The exit code of ``up``.
        said: What the processes wrote.
    """

    files: tuple[Path, Path]
    added: tuple[dict[str, Any], ...]
    stored: tuple[int, int]
    refused: Said
    champions: tuple[dict[str, Any], ...]
    bad: list[tuple[str, int, str]]
    asked: pa.Table
    answered: dict[str, Answered]
    failed: list[str]
    broken: int
    early: dict[str, float]
    late: dict[str, float]
    before: dict[str, Any]
    after: dict[str, Any]
    one_more: mw.Answer
    end: int
    said: str


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    folder = tmp_path_factory.mktemp("life")
    home = folder / "project" / ".modelwright"
    cli("init", folder / "project")
    files = _files(folder)
    added = [_added(home, files[0])]
    stored = [_stored_bytes(home)]
    added.append(_added(home, files[0]))
    stored.append(_stored_bytes(home))
    with closing(mw.connect(home)) as ws:
        for name in (MODEL, BASELINE):
            ws.charters.publish(name, CHARTER)
        release(ws, BASELINE, heuristic, cut=MARCH, end=APRIL)
        release(ws, MODEL, weak, cut=MARCH, end=APRIL)
        release(ws, MODEL, real, cut=MARCH, end=APRIL)
    refused = cli("--home", home, "model", "alias", f"{MODEL}@1", "champion", code=None)
    champions = [cli("--home", home, "model", "alias", FIRST, "champion", "--json").json]

    asked = questions(2000, since=APRIL, until=JULY, seed=3)
    house = House(home)
    with house, closing(mw.connect(house.api)) as ws:
        cli("--home", home, "endpoint", "deploy", ENDPOINT, f"{MODEL}@champion")
        bad = _bad_requests(house.serving)
        with Stream(lambda: house.serving, asked) as stream:
            stream.more(ENOUGH, of=FIRST)
            added.append(_added(home, files[1]))
            mw.evaluate(ws, f"{BASELINE}@latest", f"{DATA}@latest", since=MARCH, until=APRIL, explain=False)
            release(ws, MODEL, real, cut=MARCH, end=APRIL)
            champions.append(cli("--url", house.api, "model", "alias", SECOND, "champion", "--json").json)
            cli("--url", house.api, "endpoint", "deploy", ENDPOINT, f"{MODEL}@champion")
            stream.more(ENOUGH, of=SECOND)
            assert ws.endpoints.rollback(ENDPOINT, reason="only to see").decision.allowed
            stream.more(ENOUGH, of=FIRST)
            assert ws.endpoints.deploy(ENDPOINT, SECOND).decision.allowed
            stream.more(ENOUGH, of=SECOND)
        early, late = _labelled(ws, folder, stream.answered, asked)
        awaits(lambda: ws.predictions.counts(ENDPOINT).in_segments == 0, "everything is in Parquet")
        awaits(lambda: ws.lifecycle.outstanding(ENDPOINT).reactions == 0, "the documents are kept")
        before = _seen(ws)
        end = house.end()
    with House(home) as again, closing(mw.connect(again.api)) as ws:
        after = _seen(ws)
        one_more = mw.predict(ENDPOINT, asked.select(["x", "z"]).slice(0, 1), url=again.serving)
        yield Life(
            files=files,
            added=tuple(added),
            stored=(stored[0], stored[1]),
            refused=refused,
            champions=tuple(champions),
            bad=bad,
            asked=asked,
            answered=stream.answered,
            failed=stream.failed,
            broken=stream.broken,
            early=early,
            late=late,
            before=before,
            after=after,
            one_more=one_more,
            end=end,
            said=house.said(),
        )


def _files(folder: Path) -> tuple[Path, Path]:
    first = questions(2500, since=JANUARY, until=APRIL, seed=1)
    more = pa.concat_tables([first, questions(2500, since=JANUARY, until=APRIL, seed=2)]).sort_by("asked_at")
    files = folder / "first.parquet", folder / "second.parquet"
    for table, file in zip((first, more), files, strict=True):
        pq.write_table(table, file)
    return files


def _added(home: Path, file: Path) -> dict[str, Any]:
    columns = [word for name, column in COLUMNS.items() for word in (f"--{name.replace('_', '-')}", column)]
    return cli("--home", home, "data", "add", DATA, file, *columns, "--json").json


def _stored_bytes(home: Path) -> int:
    return sum(path.stat().st_size for path in (home / "blobs").rglob("*") if path.is_file())


def _bad_requests(serving: str) -> list[tuple[str, int, str]]:
    """Over both protocols: a column that is missing, one of another type, one that is not there in any row."""
    scoring, inference = f"{serving}/endpoints/{ENDPOINT}/invocations", f"{serving}/v2/models/{ENDPOINT}/infer"
    tensor = {"name": "x", "shape": [1], "datatype": "FP64", "data": [0.5]}
    texts = {"name": "z", "shape": [1], "datatype": "BYTES", "data": ["much"]}
    asked = [
        ("x", scoring, {"dataframe_records": [{"z": 0.5}]}),
        ("z", scoring, {"dataframe_records": [{"x": 0.5, "z": "much"}]}),
        ("z", inference, {"inputs": [tensor]}),
        ("z", inference, {"inputs": [tensor, texts]}),
    ]
    answers = [(field, httpx.post(url, json=body, trust_env=False)) for field, url, body in asked]
    return [(field, answer.status_code, answer.text) for field, answer in answers]


def _labelled(
    ws: mw.Workspace, folder: Path, answered: dict[str, Answered], asked: pa.Table
) -> tuple[dict[str, float], dict[str, float]]:
    """Labels over HTTP, a tenth of them wrong; a month later their corrections, from a file."""
    truth, known = asked["late"].to_pylist(), asked["known_at"].to_pylist()
    late = {one: float(truth[found.row]) for one, found in answered.items()}
    wrong = list(late)[::10]
    early = late | {one: 1.0 - late[one] for one in wrong}
    ws.labels.add(ENDPOINT, list(early), list(early.values()), [known[answered[one].row] for one in early])
    corrections = {"id": wrong, "value": [late[one] for one in wrong], "known_at": [CORRECTED] * len(wrong)}
    pq.write_table(pa.table(corrections), folder / "corrections.parquet")
    cli("--url", ws.where, "label", "add", ENDPOINT, folder / "corrections.parquet")
    return early, late


def _seen(ws: mw.Workspace) -> dict[str, Any]:
    """Everything that must still be there after a restart."""
    return {
        "counts": ws.predictions.counts(ENDPOINT),
        "performance": ws.predictions.performance(ENDPOINT),
        "early": ws.predictions.performance(ENDPOINT, as_of=CORRECTED - timedelta(days=1)),
        "versions": ws.models.versions(MODEL).items,
        "history": ws.endpoints.history(ENDPOINT).items,
        "runs": ws.runs.list().items,
        "data": ws.data.versions(DATA).items,
        "ledger": ws.ledger.verify(),
        "kept": ws.documents.list(SECOND).items,
        "report": ws.documents.get(SECOND, "change_report"),
        "evidence": {ref: ws.evidence.list(ref) for ref in (FIRST, SECOND)},
        "intact": [ws.data.verify(f"{DATA}@{number}").intact for number in (1, 2)],
    }


def _aucs(life: Life, labels: dict[str, float]) -> dict[tuple[datetime, str], float]:
    """AUC by month of asking and version, from what the client holds in its hands and scikit-learn."""
    asked = life.asked["asked_at"].to_pylist()
    pairs: dict[tuple[datetime, str], list[tuple[float, float]]] = {}
    for one, found in life.answered.items():
        month = asked[found.row].astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        pairs.setdefault((month, found.model), []).append((labels[one], found.output))
    return {place: roc_auc_score(*np.array(some).T) for place, some in pairs.items()}


def _told(performance: list[Any]) -> dict[tuple[datetime, str], float]:
    return {(score.period_start, f"{score.model}@{score.version}"): score.interval.estimate for score in performance}


def test_the_same_file_again_stores_nothing_and_is_the_version_it_already_is(life):
    assert life.added[1] == life.added[0]
    assert life.stored[1] == life.stored[0]
    assert (life.added[0]["version"], life.added[2]["version"]) == (1, 2)


def test_a_candidate_worse_than_the_heuristic_is_refused_with_reasons_and_exit_code_3(life):
    assert life.refused.code == 3
    assert f"{MODEL}@1 -> champion: refused" in life.refused.out
    failed = [line.split(None, 2) for line in life.refused.out.splitlines() if line.split()[0] == "FAIL"]
    assert {gate for _, gate, _ in failed} == {"baseline", "kpi"}
    assert all(any(letter.isdigit() for letter in reason) for _, _, reason in failed)


def test_candidates_that_pass_become_champion_on_evidence(life):
    for decision in life.champions:
        assert decision["allowed"]
        assert {gate["gate"]: gate["verdict"] for gate in decision["gates"]}.items() >= {"kpi": "PASS"}.items()
    assert [version.aliases for version in life.after["versions"]] == [("champion",), (), ()]


def test_a_request_that_breaks_the_contract_gets_a_4xx_that_names_the_field(life):
    for field, status, text in life.bad:
        assert 400 <= status < 500
        assert re.search(rf"\b{field}\b", text), text


def test_the_documents_of_what_is_relied_on_are_kept_and_their_figures_are_the_evidence_s(life):
    kept = life.before["kept"]
    assert {one.kind for one in kept} == {"model_card", "technical_file", "change_report"}
    assert life.after["kept"] == kept
    report = life.before["report"]
    assert report.digest == life.after["report"].digest
    assert (report.subject, report.against) == (SECOND, FIRST)
    old, new = (
        next(one for one in life.before["evidence"][ref] if one.kind == "evaluation") for ref in (FIRST, SECOND)
    )
    [quality] = [said for said in report.statements if said.says.startswith("Its {metric} is {after}")]
    for place, found in (("before", old), ("after", new)):
        score, value = found.values.score, quality.values[place]
        assert value.exact == (score.estimate, score.low, score.high)
        assert quality.sources[value.source].digest == found.digest
    [grown] = [said for said in report.statements if said.says.startswith("It learned from {after}")]
    assert (grown.values["after"].shown, grown.values["before"].shown) == (f"{DATA}@2", f"{DATA}@1")


def test_not_one_request_fails_while_a_version_is_swapped_in_rolled_back_and_swapped_in_again(life):
    assert life.failed == []
    assert life.broken == 0
    moves = [(moved.version, moved.action) for moved in reversed(life.after["history"])]
    assert moves == [(2, "deploy"), (3, "deploy"), (2, "rollback"), (3, "deploy")]


def test_answered_is_logged_is_in_parquet(life):
    counts = life.before["counts"]
    assert counts.answered == counts.in_parquet == len(life.answered)
    assert counts.duplicates == counts.labels_without_prediction == 0
    assert counts.labelled == len(life.late)
    by_version = {ref: sum(found.model == ref for found in life.answered.values()) for ref in (FIRST, SECOND)}
    assert counts.by_version == by_version


def test_auc_by_month_from_the_log_is_what_scikit_learn_computes_from_the_answers(life):
    computed = _aucs(life, life.late)
    assert _told(life.before["performance"]) == pytest.approx(computed, abs=1e-9)
    assert len({month for month, _ in computed}) == 3


def test_a_correction_counts_from_when_it_was_known(life):
    first = _aucs(life, life.early)
    assert _told(life.before["early"]) == pytest.approx(first, abs=1e-9)
    assert _told(life.before["performance"]) != pytest.approx(first, abs=1e-9)


@pytest.mark.parametrize(("ref", "place"), [(FIRST, 0), (SECOND, 2)])
def test_one_prediction_leads_back_to_the_digest_of_the_file_that_was_added(life, ref, place):
    home = life.files[0].parent / "project" / ".modelwright"
    one = next(one for one, found in life.answered.items() if found.model == ref)
    traced = cli("--home", home, "trace", "prediction", one, "--json").json
    assert traced["prediction"]["output"] == life.answered[one].output
    assert f"{traced['deployment']['model']}@{traced['deployment']['version']}" == ref
    assert traced["run"]["id"] == traced["version"]["manifest"]["run_id"]
    assert {found["dataset"]["digest"] for found in traced["evidence"]} == {life.added[place]["digest"]}
    assert [read["digest"] for read in traced["data"]] == [life.added[place]["digest"]]
    with closing(mw.connect(home)) as ws:
        kept = ws.data.table(traced["data"][0]["ref"])
    assert kept.equals(pq.read_table(life.files[place // 2]))


def test_everything_is_there_after_an_end_and_a_new_start(life):
    assert life.end == 0
    assert life.after == life.before
    assert life.after["ledger"].intact
    assert life.after["intact"] == [True, True]
    assert {run.status for run in life.after["runs"]} == {"finished"}
    assert (life.one_more.model, life.one_more.version) == (MODEL, 3)


def test_no_process_of_the_house_had_anything_to_complain_of(life):
    assert "Traceback" not in life.said
    assert "ERROR" not in life.said

"""The server judges scores on its own labels; what it finds is checked against scikit-learn."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import average_precision_score, mean_absolute_error, roc_auc_score

from modelwright.core.errors import Invalid, NotFound
from modelwright.core.schema import Column, Contract, DType
from modelwright.governance import evaluation
from modelwright.governance.charter import Charter
from modelwright.governance.model import Comparison, ContractCheck, Evaluation, Explanation, Kind, Window
from modelwright.models.model import Task

from .conftest import CHARTER, RATES


def labelled(desk, since=None):
    table = desk.table
    rows = ~np.isnan(table["late"].to_numpy())
    if since is not None:
        rows &= np.array([moment >= since for moment in table["asked_at"].to_pylist()])
    buckets, origins = table["bucket"].to_numpy()[rows], table["origin"].to_numpy(zero_copy_only=False)[rows]
    return table["late"].to_numpy()[rows], RATES[buckets], np.where(origins == "JFK", 0.52, 0.48), origins


def test_evaluation_comparison_and_slices_are_scikit_learns_numbers(desk):
    """Golden: roc_auc_score on the labelled rows, on each origin, and its difference to the baseline's."""
    desk.evaluate("by-origin@1")
    found = {each.kind: each.values for each in desk.evaluate("delay@1")}
    late, scores, baseline, origins = labelled(desk)
    evaluated, compared = found[Kind.EVALUATION], found[Kind.COMPARISON]
    assert isinstance(evaluated, Evaluation)
    assert isinstance(compared, Comparison)
    assert evaluated.score.estimate == pytest.approx(roc_auc_score(late, scores), abs=1e-12)
    assert compared.delta.estimate == pytest.approx(
        roc_auc_score(late, scores) - roc_auc_score(late, baseline), abs=1e-12
    )
    assert compared.delta.low > 0.2
    assert (evaluated.n, evaluated.unlabelled, evaluated.positives) == (2700, 300, int(late.sum()))
    for each in evaluated.slices:
        here = origins == each.value
        assert each.interval.estimate == pytest.approx(roc_auc_score(late[here], scores[here]), abs=1e-12)
        assert each.n == here.sum()
    gaps = [each.n * abs(each.mean_score - each.rate) for each in evaluated.calibration.bins]
    assert evaluated.calibration.error.estimate == pytest.approx(sum(gaps) / 2700)
    assert (compared.baseline, compared.version) == ("by-origin", 1)


@pytest.mark.parametrize(
    ("metric", "at", "golden"),
    [("average_precision", "at_least", average_precision_score), ("mae", "at_most", mean_absolute_error)],
)
def test_other_metrics_are_scikit_learns_too(metric, at, golden):
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 2, 400).astype(float)
    scores = np.clip(labels * 0.3 + rng.uniform(size=400) * 0.7, 0, 1)
    table = pa.table({"late": labels})
    charter = Charter(**_converted({**CHARTER, "kpi": {"metric": metric, at: 0.5}}))
    task = Task.BINARY if metric != "mae" else Task.REGRESSION
    rows = evaluation.judged(table, charter, None, datetime.now(UTC))
    found = evaluation.evaluated(table, rows, scores, charter, slices=(), digest="0" * 64, task=task)
    assert found.score.estimate == pytest.approx(golden(labels, scores), abs=1e-12)
    assert (found.calibration is None) == (task is Task.REGRESSION)


def _converted(charter):
    from modelwright.core import wire

    whole = wire.convert(charter, Charter)
    return {name: getattr(whole, name) for name in whole.__struct_fields__}


def test_a_window_cuts_by_event_time_and_leaves_immature_labels_out(desk):
    """Rows younger than known_after are counted, not judged."""
    since = datetime(2026, 2, 1, tzinfo=UTC)
    last = desk.table["asked_at"][-1].as_py()
    desk.clock.now = last
    _, found, *_ = desk.evaluate("delay@1", since=since, explain=False)
    late, scores, *_ = labelled(desk, since)
    immature = sum(
        value is not None and moment > last - timedelta(hours=36)
        for moment, value in zip(desk.table["asked_at"].to_pylist(), desk.table["late"].to_pylist(), strict=True)
    )
    assert found.values.immature == immature > 0
    assert found.values.n == len(late) - immature
    assert found.window == Window(since=since)
    assert found.values.score.estimate == pytest.approx(roc_auc_score(late[:-immature], scores[:-immature]), abs=1e-12)


def test_without_the_baselines_scores_on_the_same_rows_there_is_no_comparison(desk):
    desk.evaluate("by-origin@1", since="2026-01-02")
    assert Kind.COMPARISON not in {each.kind for each in desk.evaluate("delay@1", since="2026-01-03")}
    assert Kind.COMPARISON in {each.kind for each in desk.evaluate("delay@1", since="2026-01-02")}


def test_the_same_evaluation_again_is_the_same_evidence_until_it_is_an_hour_old(desk):
    """A retried call adds nothing; later the numbers are found anew."""
    first = desk.evaluate("delay@1")
    desk.clock.forward(minutes=30)
    assert desk.evaluate("delay@1") == first
    desk.clock.forward(minutes=31)
    again = desk.evaluate("delay@1")
    assert [each.values for each in again] == [each.values for each in first]
    assert {each.digest for each in again}.isdisjoint(each.digest for each in first)
    assert len(desk.ws.evidence.list("delay@1")) == 10


def test_evidence_is_bound_to_bytes_and_says_who_made_it(desk):
    for each in desk.evaluate("delay@1"):
        assert each.package == desk.ws.models.get("delay@1").package
        assert each.dataset == desk.ws.data.get("questions@1").pinned
        assert each.charter == desk.ws.charters.get("delay").digest
        assert each.code == evaluation.code_digest()
        assert each.made_by.id == "owner"
        assert desk.ws.evidence.get(each.digest) == each
        assert each.intact
        assert each.summary
    kinds = [
        entry.envelope.body["evidence"] for entry in desk.ws.ledger.list(kind="governance.evidence_recorded").items
    ]
    assert sorted(kinds) == ["contract", "evaluation", "explanation", "groups", "size"]


def test_the_explanation_ranks_what_the_model_reads(desk):
    *_, found = desk.evaluate("delay@1")
    assert isinstance(found.values, Explanation)
    assert found.values.inputs == ("bucket",)
    assert found.values.importances[0].drop.low > 0.1


def test_the_contract_is_checked_on_the_windows_rows():
    """One problem for each column: missing, type, nulls, range, category."""
    table = pa.table(
        {"a": [1.0, float("nan")], "b": [1, 9], "c": ["x", "z"], "d": [1, 2], "e": pa.array([1, 2], pa.int64())}
    )
    contract = Contract(
        columns=(
            Column(name="a", dtype=DType.FLOAT64),
            Column(name="b", dtype=DType.INT64, maximum=5),
            Column(name="c", dtype=DType.STRING, categories=("x", "y")),
            Column(name="d", dtype=DType.STRING),
            Column(name="e", dtype=DType.FLOAT64, minimum=0),
            Column(name="f", dtype=DType.BOOL),
        )
    )
    found = evaluation.checked(table, contract)
    assert isinstance(found, ContractCheck)
    assert [str(each) for each in found.violations] == [
        "a: has 1 rows without a value, and may have none",
        "b: goes up to 9, above the maximum 5",
        "c: holds 'z', not one of x, y",
        "d: is int64, not string",
        "f: is missing",
    ]


def parquet(**columns) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not a Parquet file"),
        (b"PAR1" + b"\0" * 40 + b"PAR1", "not a Parquet file"),
        (parquet(s=[0.5, 0.5]), "2 rows"),
        (parquet(s=[0.5] * 3, t=[0.5] * 3), "2 columns"),
        (parquet(s=["a"] * 3), "not floats"),
        (parquet(s=[1, 0, 1]), "not floats"),
        (parquet(s=[0.5, None, 0.5]), "first row 1"),
        (parquet(s=[0.5, 0.5, float("inf")]), "first row 2"),
        (parquet(s=[0.5, 0.5, 1.5]), "probability"),
        (parquet(s=[[0.5], [0.5], [0.5]]), "not floats"),
    ],
)
def test_scores_are_one_usable_number_for_each_row(data, said):
    with pytest.raises(Invalid, match=said):
        evaluation.read_scores(data, 3, Task.BINARY)


def test_scores_survive_the_way():
    scores = np.random.default_rng(1).uniform(size=1000)
    assert np.array_equal(evaluation.read_scores(evaluation.written_scores(scores), 1000, Task.BINARY), scores)
    assert evaluation.read_scores(evaluation.written_scores([-4.0]), 1, Task.REGRESSION).tolist() == [-4.0]


def test_what_cannot_be_judged_is_refused(desk):
    """Nothing of a refused evaluation is kept."""
    scores = np.full(3000, 0.5)
    ws = desk.ws
    ws.data.add("others", desk.table)
    refused = [
        lambda: ws.evidence.record("delay@1", "questions@1", scores[1:]),
        lambda: ws.evidence.record("delay@1", "questions@1", scores, since=datetime(2027, 1, 1, tzinfo=UTC)),
        lambda: ws.evidence.record("delay@1", "questions@1", scores, since=datetime(2026, 1, 1)),  # noqa: DTZ001
        lambda: ws.evidence.record("delay@1", "questions@1", scores, slices=("asked_at",)),
        lambda: ws.evidence.record("delay@1", "questions@1", scores, slices=("nothing",)),
        lambda: ws.evidence.record("delay@1", "questions@1", scores, slices=("origin", "origin")),
        lambda: ws.evidence.record("delay@1", "others@1", scores),
        lambda: ws.evidence.evaluate("delay@1", "questions@1", {"digest": "0" * 64, "size": 1}),
        lambda: ws.evidence.explain(
            "delay@1",
            "questions@1",
            [{"column": "x", "drop": {"estimate": 1, "low": 0, "high": 2, "n": 5, "method": "m"}}],
        ),
    ]
    for act in refused:
        with pytest.raises(Invalid):
            act()
    desk.save("stray", desk.by_bucket(RATES))
    with pytest.raises(NotFound, match="stray has no charter"):
        ws.evidence.record("stray@1", "questions@1", scores)
    with pytest.raises(NotFound):
        ws.evidence.record("delay@9", "questions@1", scores)
    assert ws.evidence.list("delay@1") == ()


def test_times_at_the_edge_of_the_calendar_are_no_accident(desk):
    """The longest known_after leaves no label; a moment before the calendar is refused."""
    scores = np.full(3000, 0.5)
    with pytest.raises(Invalid, match="cannot hold"):
        desk.ws.evidence.record("delay@1", "questions@1", scores, since="0001-01-01T00:00:00+14:00")
    desk.ws.charters.publish("delay", {**CHARTER, "label": {**CHARTER["label"], "known_after": "99999d"}})
    with pytest.raises(Invalid, match="has a label"):
        desk.ws.evidence.record("delay@1", "questions@1", scores)

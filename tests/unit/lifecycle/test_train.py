"""Rows are checked and split by time, a model is fitted on what was known, and the change report says what was found."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sklearn.linear_model import LogisticRegression

import modelwright as mw
from modelwright.app.home import Home
from modelwright.core.errors import Invalid
from modelwright.lifecycle.train import REPORT, fit, report, split, validate
from support.life import APRIL, BASELINE, CHARTER, COLUMNS, DATA, JANUARY, MODEL, heuristic, questions

HOLDOUT = timedelta(days=30)
ROWS = 3000
TABLE = questions(ROWS, since=JANUARY, until=APRIL, seed=4)


@pytest.fixture
def ws(tmp_path):
    with closing(mw.connect(Home(tmp_path / ".modelwright").open(create=True).folder)) as opened:
        opened.charters.publish(MODEL, CHARTER)
        opened.charters.publish(BASELINE, CHARTER)
        yield opened


def learned(table: pa.Table, columns: list[str]):
    """As a user writes it: a table in, a fitted model out."""
    learned.seen = table
    return LogisticRegression().fit(np.column_stack([table[name] for name in columns]), table["late"])


def added(ws, table: pa.Table, **more) -> str:
    return ws.data.add(DATA, table, **(COLUMNS | more)).ref


def test_rows_are_split_by_time_and_by_what_was_known(ws):
    found = split(ws, MODEL, added(ws, TABLE), until=APRIL, holdout=HOLDOUT)
    cut = APRIL - HOLDOUT
    asked, known = (TABLE[name].to_pylist() for name in ("asked_at", "known_at"))
    pairs = list(zip(asked, known, strict=True))
    assert found.cut == cut
    assert found.training == sum(at < cut and then <= cut for at, then in pairs)
    assert found.holdout == sum(cut <= at < APRIL and then <= APRIL for at, then in pairs)
    assert found.training + found.holdout < ROWS  # what was known too late is in neither


def test_a_model_never_sees_what_was_not_known_at_the_cut(ws):
    rows = split(ws, MODEL, added(ws, TABLE), until=APRIL, holdout=HOLDOUT)
    version = fit(ws, MODEL, rows, learned, parameters={"columns": ["x", "z"]}, inputs=["x", "z"], seed=3)
    assert learned.seen.num_rows == rows.training
    assert max(learned.seen["known_at"].to_pylist()) <= rows.cut
    run = ws.runs.get(version.manifest.run_id)
    assert [read.ref for read in version.manifest.data] == [rows.data]
    assert run.parameters["fit"].endswith("test_train:learned")


def changed(**columns) -> pa.Table:
    table = TABLE
    for name, values in columns.items():
        table = table.set_column(table.column_names.index(name), name, values)
    return table


LEAKING = changed(known_at=pc.subtract(TABLE["asked_at"], pa.scalar(timedelta(minutes=1))))
ONE_CLASS = changed(late=pa.array([1] * ROWS))


@pytest.mark.parametrize(
    ("table", "more", "said"),
    [
        (LEAKING, {}, "3,000 rows of questions@1 have a known_at before their asked_at"),
        (ONE_CLASS, {}, "and all of one class"),
        (TABLE.slice(0, 150), {}, "There are 0 rows with a known label to judge on"),
        (TABLE, {"known_at": None}, "does not say its known_at"),
        (TABLE.drop_columns("late"), {}, "has no column late, which the charter calls the label"),
    ],
)
def test_rows_that_cannot_be_learned_from_are_refused_with_the_numbers(ws, table, more, said):
    ref = added(ws, table, **more)
    with pytest.raises(Invalid, match=said) as refused:
        split(ws, MODEL, validate(ws, MODEL, ref), until=APRIL, holdout=HOLDOUT)
    assert refused.value.remedy


def test_the_change_report_says_what_was_found_and_what_it_would_replace(ws):
    rows = split(ws, MODEL, added(ws, TABLE), until=APRIL, holdout=HOLDOUT)
    versions = []
    for columns in (["x"], ["x", "z"]):
        table = TABLE.filter(pc.less(TABLE["known_at"], rows.cut))
        baseline, taken = heuristic(table)
        ws.models.save(baseline, BASELINE, example=table.select(taken))
        mw.evaluate(ws, f"{BASELINE}@latest", rows.data, since=rows.cut, until=rows.until, explain=False)
        version = fit(ws, MODEL, rows, learned, parameters={"columns": columns}, inputs=columns)
        mw.evaluate(ws, version.ref, rows.data, since=rows.cut, until=rows.until, slices=("group",))
        versions.append(version)
        assert ws.models.set_alias(f"{MODEL}@1", "champion").allowed
    written = report(ws, versions[1].ref)
    evaluation = next(one for one in ws.evidence.list(versions[1].ref) if one.kind == "evaluation")
    for words in (
        f"# Change report of {MODEL}@2",
        f"compared with {MODEL}@1",
        "Its inputs changed: z is promised",
        "The parameter columns is",
        evaluation.digest,
        "Where group is g",
        "The gate kpi says PASS",
    ):
        assert words in written
    assert str(evaluation.values.score) in written.replace("\\", "")
    kept = ws.runs.get(versions[1].manifest.run_id)
    assert [artifact.path for artifact in kept.artifacts] == [REPORT]
    assert f"compared with {MODEL}@" not in report(ws, versions[0].ref)


def test_rows_whose_label_has_had_no_time_to_come_are_in_neither_half(ws):
    """Of the last days only quick outcomes are known: learning from them would be learning that things go quickly."""
    ws.charters.publish(MODEL, {**CHARTER, "label": {**CHARTER["label"], "known_after": "72h"}})
    found = split(ws, MODEL, added(ws, TABLE), until=APRIL, holdout=HOLDOUT)
    maturity = timedelta(hours=72)
    assert (found.learn_until, found.cut) == (APRIL - HOLDOUT - maturity, APRIL - HOLDOUT)
    assert found.until == APRIL - maturity
    asked = TABLE["asked_at"].to_pylist()
    assert found.training == sum(at < found.learn_until for at in asked)  # each of them, quick or slow
    assert found.holdout == sum(found.cut <= at < found.until for at in asked)

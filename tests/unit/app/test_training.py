"""The central pipeline makes a judged and documented version out of rows and a plain function."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import modelwright as mw
from modelwright.app.home import Home
from modelwright.core.errors import Invalid
from modelwright.core.settings import URL
from modelwright.pipelines.model import Failed
from support.life import APRIL, BASELINE, CHARTER, COLUMNS, DATA, JANUARY, MODEL, heuristic, questions


def fit(table, columns=("x", "z")):
    """As a user writes it."""
    return LogisticRegression().fit(np.column_stack([table[name] for name in columns]), table["late"])


@mw.pipeline()
def retrain(until: datetime, columns: tuple[str, ...] = ("x", "z")):
    """A user's pipeline."""
    return mw.train(
        MODEL,
        f"{DATA}@latest",
        fit=fit,
        until=until,
        holdout="30d",
        parameters={"columns": list(columns)},
        inputs=list(columns),
        slices=["group"],
    )


@pytest.fixture
def ws(tmp_path, monkeypatch):
    home = Home(tmp_path / ".modelwright").open(create=True).folder
    monkeypatch.setenv(URL.name, str(home))
    with closing(mw.connect(home)) as opened:
        table = questions(3000, since=JANUARY, until=APRIL, seed=4)
        opened.data.add(DATA, table, **COLUMNS)
        for name in (MODEL, BASELINE):
            opened.charters.publish(name, CHARTER)
        baseline, taken = heuristic(table.slice(0, 1000))
        opened.models.save(baseline, BASELINE, example=table.select(taken))
        yield opened


def found(ws, ref):
    return {evidence.kind: evidence for evidence in ws.evidence.list(ref)}


def test_a_version_is_fitted_judged_compared_explained_and_documented(ws):
    trained = retrain(APRIL)
    assert (trained.ref, trained.data, trained.allowed, trained.reasons) == (f"{MODEL}@1", f"{DATA}@1", True, ())
    evidence = found(ws, trained.ref)
    assert set(evidence) == {"contract", "evaluation", "size", "groups", "comparison", "explanation"}
    assert {one.column for one in evidence["evaluation"].values.slices} == {"group"}
    run = ws.runs.get(ws.models.get(trained.ref).manifest.run_id)
    assert [kept.path for kept in run.artifacts] == ["change-report.md"]


def test_a_worse_candidate_is_made_all_the_same_and_says_why_it_does_not_pass(ws):
    trained = retrain(APRIL, columns=("z",))
    assert not trained.allowed
    assert any("roc_auc" in reason for reason in trained.reasons)


def test_as_a_recorded_execution_it_is_the_same_in_eight_steps(ws):
    execution = retrain.run(until=APRIL, workspace=ws, executor="inline")
    assert [step.id for step in ws.pipelines.steps(execution.id)] == [
        "validate",
        "split",
        "fit_model",
        "evaluate_baseline",
        "evaluate",
        "explain",
        "gate",
        "document",
    ]
    assert ws.pipelines.result(execution.id).ref == f"{MODEL}@1"


def test_a_pipeline_whose_training_nobody_has_signed_fails_with_the_reason_and_it_is_on_record(ws):
    ws.policies.publish("extends: minimal\nphases: {training: [{role: approver}]}\n")
    with pytest.raises(Failed, match="may not be registered"):
        retrain.run(until=APRIL, workspace=ws, executor="inline")
    [execution] = ws.pipelines.executions("retrain").items
    said = {step.id: step for step in ws.pipelines.steps(execution.id)}
    assert said["fit_model"].status == "failed"
    assert "phase-training.approver: The training of late: 1 approver must sign" in said["fit_model"].error
    [decided] = ws.gates.decisions(MODEL)
    assert (decided.decision.transition.action, decided.decision.allowed) == ("register", False)


def test_a_function_that_no_other_process_finds_is_refused(ws):
    with pytest.raises(Invalid, match="where a step's process cannot find it"):
        mw.train(MODEL, f"{DATA}@1", fit=lambda table: table, until=APRIL)


ENDPOINT = "lateness"


@pytest.fixture
def challenged(ws):
    """An endpoint whose second version is in the shadow."""
    assert mw.challenge(ENDPOINT, retrain(APRIL)) == f"{MODEL}@1 is the first version of {ENDPOINT}"
    second = retrain(APRIL, columns=("x",))
    assert mw.challenge(ENDPOINT, second, cause="alarm", looks=("8d",)) == f"{MODEL}@2 runs in the shadow of {ENDPOINT}"
    return second


def test_a_challenge_says_why_and_when_it_is_judged(ws, challenged):
    [rollout] = ws.rollouts.list(ENDPOINT).items
    assert (rollout.challenger.ref, rollout.cause, rollout.terms.looks) == (challenged.ref, "alarm", ("8d",))


def test_a_challenge_that_is_tried_again_starts_nothing_even_when_it_is_over(ws, challenged):
    assert mw.challenge(ENDPOINT, challenged) == f"{MODEL}@2 challenges {ENDPOINT} already: undecided"
    ws.rollouts.stop(ENDPOINT)
    assert mw.challenge(ENDPOINT, challenged) == f"{MODEL}@2 challenges {ENDPOINT} already: stopped"
    assert len(ws.rollouts.list(ENDPOINT).items) == 1


def test_another_challenger_in_the_shadow_is_no_failure(ws, challenged):
    said = mw.challenge(ENDPOINT, retrain(APRIL, columns=("z", "x")))
    assert said.startswith(f"{MODEL}@3 does not challenge {ENDPOINT}: {ENDPOINT} has a rollout already: {MODEL}@2")
    assert ws.rollouts.list(ENDPOINT).items[0].outcome is None

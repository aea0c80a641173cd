"""What the pipelines consist of, when they start, and what they give the model to learn from."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pipeline
import pytest
import replay
import train
from sklearn.pipeline import Pipeline

import features
import modelwright as mw

UNTIL = datetime(2013, 4, 1, 4, tzinfo=UTC)
TRAINING = ["collect", "validate", "split", "fit_model", "evaluate_baseline", "evaluate", "explain", "gate", "document"]


def graph(one: Any, **more: Any) -> Any:
    """What a pipeline would do on 1 April."""
    return one.trace({"until": UNTIL.isoformat(), **more})


@pytest.mark.parametrize(
    ("one", "steps"),
    [
        (pipeline.heuristic, TRAINING),
        (pipeline.weak, [*TRAINING, "challenge"]),
        (pipeline.retrain, [*TRAINING, "challenge"]),
    ],
    ids=["heuristic", "weak", "retrain"],
)
def test_each_trains_by_the_central_pipeline_on_what_the_view_answers(one: Any, steps: list[str]) -> None:
    """The heuristic challenges nobody."""
    found = graph(one)
    assert list(found.nodes) == steps
    collect = found.nodes["collect"]
    assert collect.args == (features.view,)
    assert collect.kwargs == {"spine": "flights", "until": UNTIL, "name": "questions"}
    assert found.nodes["validate"].after == ("collect",)
    assert found.nodes["split"].args[2:] == (UNTIL, timedelta(days=21))


@pytest.mark.parametrize("one", [pipeline.weak, pipeline.retrain], ids=["weak", "retrain"])
def test_the_endpoint_is_challenged_once_everything_is_known_of_the_version(one: Any) -> None:
    """By what the last step says, and not by a version whose evidence is missing."""
    found = graph(one)
    assert found.nodes["challenge"].args[0] == pipeline.ENDPOINT
    assert found.nodes["challenge"].after == ("document",)
    assert "gate" in found.nodes["document"].after
    assert {"evaluate", "explain"} <= set(found.nodes["gate"].after)


def test_retraining_waits_for_the_alarms_of_the_endpoint() -> None:
    """At most every four weeks, and eight times a year; the others are started by hand."""
    assert pipeline.retrain.triggers == ("alarm:delays",)
    assert pipeline.retrain.cooldown == timedelta(days=28)
    assert pipeline.retrain.budget == 8
    assert pipeline.heuristic.triggers == pipeline.weak.triggers == ()


def test_a_trigger_need_say_no_more_than_the_moment() -> None:
    """It knows when the alarm was, and nothing else."""
    assert [one.name for one in pipeline.retrain.parameters if one.required] == ["until"]
    with pytest.raises(mw.Invalid, match="until"):
        pipeline.retrain.trace({})


def test_the_seed_reaches_the_model_and_its_judges() -> None:
    """And is recorded as a parameter."""
    nodes = graph(pipeline.retrain, seed=7).nodes
    how = nodes["fit_model"].args[2]
    assert (how.function, how.seed, how.parameters) == ("train:fit", 7, {"seed": 7})
    assert 7 in nodes["evaluate"].args
    assert 7 in nodes["explain"].args


@pytest.mark.parametrize(
    ("one", "function"), [(pipeline.weak, "train:weak"), (pipeline.retrain, "train:fit")], ids=["weak", "retrain"]
)
def test_versions_are_saved_with_the_view_they_learned_from(one: Any, function: str) -> None:
    """So that endpoints complete questions by it; what is looked up may be missing."""
    how = graph(one).nodes["fit_model"].args[2]
    assert how.function == function
    assert how.save == {"features": features.view, "nullable": train.KNOWN}


def test_the_heuristic_takes_what_a_desk_knows() -> None:
    """Carrier and hour, without looking anything up."""
    how = graph(pipeline.heuristic).nodes["fit_model"].args[2]
    assert (how.function, how.save) == ("train:heuristic", {"inputs": ("carrier", "hour")})


def test_the_models_inputs_are_the_vector_of_the_view(ws: mw.Workspace, winter: Any, first: Pipeline) -> None:
    """In its order; a question brings the context alone, and the moment it is about."""
    how = graph(pipeline.retrain).nodes["fit_model"].args[2]
    view = ws.features.apply(features.view)
    example = winter.training.select(list(train.COLUMNS))
    saved = ws.models.save(first, pipeline.MODEL, example=example, **{**how.save, "features": view})
    contract = saved.manifest.inputs
    assert tuple(contract.names) == train.COLUMNS == tuple(column.name for column in view.columns)
    assert {column.name for column in contract.columns if column.nullable} == set(train.KNOWN)
    assert {column.name for column in view.request} == {*replay.CONTEXT, "sched_dep"}

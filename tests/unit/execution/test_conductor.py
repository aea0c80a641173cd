"""Executions in process: what is known is taken, what failed is tried again, what succeeded is kept."""

import sys
from types import SimpleNamespace

import pyarrow as pa
import pytest

import modelwright as mw
from modelwright.core.doing import doing
from modelwright.core.errors import Invalid
from modelwright.pipelines.model import Failed, Status, StepStatus
from support.house import awaits

SEEN = SimpleNamespace(done=[], broken=set())  # whose content is no part of a key: no constant


@pytest.fixture(autouse=True)
def _fresh():
    SEEN.done.clear()
    SEEN.broken.clear()


@mw.step
def load(size: int):
    sys.stdout.write(f"loading {size}\n")
    SEEN.done.append("load")
    return pa.table({"x": list(range(size))})


@mw.step
def fit(table, factor):
    SEEN.done.append(f"fit {factor}")
    if factor in SEEN.broken:
        raise ValueError(f"factor {factor} is broken")
    mw.progress(1, 2, "half")
    return {"score": table.num_rows * factor, "table": table}


@mw.step(retries=2)
def flaky(scores):
    SEEN.done.append("flaky")
    if SEEN.done.count("flaky") < 3:
        raise ConnectionError("not yet")
    return max(scores)


@mw.step(cache=False)
def act(score):
    SEEN.done.append("act")
    return score


@mw.pipeline()
def whole(size: int, factors: tuple[int, ...] = (1, 2)):
    table = load(size)
    best = flaky([fit(table, factor)["score"] for factor in factors])
    return {"best": act(best), "of": len(factors)}


def run(ws, **more):
    return whole.run(workspace=ws, executor="inline", **({"size": 5000} | more))


def steps(ws, execution):
    return {step.id: step for step in ws.pipelines.steps(execution.id)}


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    monkeypatch.setattr("modelwright.execution.conductor._FIRST_PAUSE_SECONDS", 0.01)


def test_an_execution_is_recorded_step_by_step(ws):
    execution = run(ws)
    assert execution.status is Status.SUCCEEDED
    assert ws.pipelines.result(execution.id) == {"best": 10_000, "of": 2}
    found = steps(ws, execution)
    assert list(found) == ["load", "fit", "fit#2", "flaky", "act"]
    assert all(step.status is StepStatus.SUCCEEDED and step.cpu_seconds >= 0 for step in found.values())
    assert (found["load"].log, found["load"].output.what) == ("loading 5000\n", "table 5,000 x 1")
    assert (found["fit"].progress.done, found["fit"].progress.note) == (1, "half")
    assert ws.pipelines.logs(execution.id, "load").text == "loading 5000\n"
    assert ws.pipelines.result(execution.id, "load").num_rows == 5000


def test_tries_that_failed_are_recorded(ws):
    found = steps(ws, run(ws))["flaky"]
    assert [one.error for one in found.failed] == ["ConnectionError: not yet"] * 2
    assert found.status is StepStatus.SUCCEEDED
    assert found.log.count("Traceback") == 2


def test_the_same_again_runs_only_what_acts_and_names_where_the_rest_came_from(ws):
    first = run(ws)
    SEEN.done.clear()
    again = run(ws)
    assert SEEN.done == ["act"]
    found = steps(ws, again)
    assert [found[name].reused.execution for name in ("load", "fit", "fit#2", "flaky")] == [first.id] * 4
    assert found["fit#2"].reused.step == "fit#2"
    assert found["act"].reused is None
    assert ws.pipelines.result(again.id) == {"best": 10_000, "of": 2}
    SEEN.done.clear()
    third = steps(ws, run(ws))
    assert third["load"].reused.execution == first.id  # the source, not the one that took it


def test_other_arguments_run_what_depends_on_them(ws):
    run(ws)
    SEEN.done.clear()
    SEEN.done.extend(["flaky"] * 3)
    run(ws, factors=(2, 3))
    assert SEEN.done[3:] == ["fit 3", "flaky", "act"]


def test_a_failed_execution_goes_on_where_it_failed(ws):
    SEEN.broken.add(2)
    with pytest.raises(Failed, match="failed at fit#2: ValueError: factor 2 is broken") as raised:
        run(ws)
    [failed] = ws.pipelines.executions().items
    assert failed.id in raised.value.remedy
    assert failed.status is Status.FAILED
    assert steps(ws, failed)["flaky"].status is StepStatus.WAITING
    SEEN.broken.clear()
    SEEN.done.clear()
    again = whole.run(workspace=ws, executor="inline", resume=failed.id)
    assert again.id == failed.id
    assert SEEN.done == ["fit 2", "flaky", "flaky", "flaky", "act"]
    assert ws.pipelines.result(again.id) == {"best": 10_000, "of": 2}


@mw.step
def fails_once(acted):
    SEEN.done.append("fails_once")
    if SEEN.done.count("fails_once") == 1:
        raise ValueError("once")
    return acted


@mw.pipeline()
def acts_then_fails(x: int):
    return fails_once(act(x))


def test_what_acted_is_never_done_again_in_the_same_execution(ws):
    with pytest.raises(Failed):
        acts_then_fails.run(workspace=ws, executor="inline", x=1)
    [failed] = ws.pipelines.executions().items
    acts_then_fails.run(workspace=ws, executor="inline", resume=failed.id)
    assert SEEN.done == ["act", "fails_once", "fails_once"]


@mw.step
def changes(values):
    values.append(4)
    return values


@mw.pipeline()
def shared():
    made = mw.step(_numbers)()
    return [changes(made), changes(made), made]


def _numbers():
    return [1]


def test_steps_never_share_what_they_could_change(ws):
    execution = shared.run(workspace=ws, executor="inline")
    assert ws.pipelines.result(execution.id) == [[1, 4], [1, 4], [1]]


@mw.step
def tells():
    return list(doing.get())


@mw.step
def unsupported():
    SEEN.done.append("unsupported")
    return object()


def test_a_step_knows_where_it_runs(ws):
    @mw.pipeline()
    def told():
        return tells()

    execution = told.run(workspace=ws, executor="inline")
    assert ws.pipelines.result(execution.id) == [execution.id, "tells"]
    assert doing.get() is None


def test_a_run_begun_in_a_step_says_so(ws):
    @mw.step
    def records():
        with mw.run("inside", workspace=ws) as run:
            return run.id

    @mw.pipeline()
    def recording():
        return records()

    execution = recording.run(workspace=ws, executor="inline")
    run = ws.runs.get(ws.pipelines.result(execution.id))
    assert run.tags == {"execution": execution.id, "step": "records"}


def test_a_result_that_cannot_be_kept_fails_without_another_try(ws):
    @mw.pipeline()
    def keeps():
        return mw.step(retries=5)(unsupported.function)()

    with pytest.raises(Failed, match=r"builtins.object, which cannot be kept without pickle.*Hand on"):
        keeps.run(workspace=ws, executor="inline")
    assert SEEN.done == ["unsupported"]


def test_a_body_that_is_wrong_records_nothing(ws):
    @mw.pipeline()
    def compares():
        return tells() and 1

    with pytest.raises(Invalid, match="compare it"):
        compares.run(workspace=ws)
    assert ws.pipelines.executions().items == []


def test_a_time_limit_is_refused_where_nobody_can_keep_it(ws):
    @mw.pipeline()
    def bounded():
        return mw.step(timeout="1s")(_numbers)()

    with pytest.raises(Invalid, match="time limit"):
        bounded.run(workspace=ws, executor="inline")
    assert ws.pipelines.executions().items == []


def test_ctrl_c_leaves_an_execution_that_can_be_resumed(ws, capsys):
    def interrupted(x):
        SEEN.done.append("interrupted")
        if SEEN.done.count("interrupted") == 1:
            raise KeyboardInterrupt
        return x

    @mw.pipeline()
    def pipeline():
        return mw.step(interrupted)(act(3))

    with pytest.raises(KeyboardInterrupt):
        pipeline.run(workspace=ws, executor="inline")
    [left] = ws.pipelines.executions().items
    assert left.status is Status.INTERRUPTED
    assert f"modelwright pipeline resume {left.id}" in capsys.readouterr().err
    assert pipeline.run(workspace=ws, executor="inline", resume=left.id).status is Status.SUCCEEDED
    assert SEEN.done == ["act", "interrupted", "interrupted"]


def test_cancelling_ends_an_execution_between_steps(ws):
    def waits(x):
        [running] = ws.pipelines.executions().items
        ws.pipelines.cancel(running.id)
        sys.stdout.write("so that something is reported\n")
        awaits(pipeline_cancelled, "the reporter heard of it")
        return x

    conductors = []

    def pipeline_cancelled():
        return any(one._reporter.cancelled for one in conductors)

    from modelwright.execution import running as module

    class Spied(module.Conductor):
        def __init__(self, *given, **more):
            super().__init__(*given, **more)
            conductors.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "Conductor", Spied)

        @mw.pipeline()
        def pipeline():
            return act(mw.step(waits)(1))

        with pytest.raises(Failed, match="was cancelled"):
            pipeline.run(workspace=ws, executor="inline")
    assert "act" not in SEEN.done
    assert ws.pipelines.executions().items[0].status is Status.CANCELLED


def test_a_wide_and_a_deep_graph(ws):
    @mw.step
    def count(x):
        return x + 1

    @mw.pipeline()
    def body():
        found = 0
        for _ in range(60):
            found = count(found)
        return [count(found) for _ in range(150)]

    execution = body.run(workspace=ws, executor="inline")
    assert ws.pipelines.result(execution.id) == [61] * 150

"""A version beside one that was made again: bytes, answers, and what both were made of."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from modelwright.app.connect import Workspace
from modelwright.app.workspace import LocalCaller
from modelwright.core import wire
from modelwright.core.doing import Doing, doing
from modelwright.core.errors import Invalid, NotFound
from modelwright.core.events import Actor
from modelwright.core.identity import OWNER
from modelwright.core.source import SourceFile, SourceSnapshot
from modelwright.governance.checks.remade import Making, differing, made_of
from modelwright.governance.model import Kind
from modelwright.lifecycle.reproducing import reproduce
from modelwright.pipelines.model import Definition, Parameter

from .conftest import RATES, START

REPRODUCED = "extends: minimal\ngates:\n  reproduced: {}\n"


@pytest.fixture
def lab(desk):
    """A desk whose versions of ``delay`` come out of runs that read the questions; version 2 is the first of them."""
    desk.ws.policies.publish(REPRODUCED)
    desk.evaluate("by-origin@1")
    made(desk)
    return desk


def made(desk, rates=RATES, *, seed=1, read="questions@1", **parameters):
    with desk.ws.runs.begin("delay", {"depth": 3, **parameters}, seed=seed) as run:
        if read:
            run.read(desk.ws.data.get(read).pinned)
        model = desk.by_bucket(rates)
        return desk.ws.models.save(model, "delay", example=desk.table.select(["bucket"]), run_id=run.id)


def gate(desk, ref="delay@2"):
    (found,) = [each for each in desk.ws.gates.check(ref).gates if each.gate == "reproduced"]
    return found


def test_the_same_run_again_has_the_same_bytes_and_passes(lab):
    lab.evaluate("delay@2", explain=False)
    assert gate(lab).verdict == "UNKNOWN"
    assert "modelwright model reproduce delay@2 --with MODEL@VERSION" in gate(lab).remedy
    made(lab, seed=2)
    found = reproduce(lab.ws, "delay@2", "delay@latest")
    assert (found.kind, found.model, found.version) == (Kind.REPRODUCTION, "delay", 2)
    values = found.values
    assert (values.remade, values.same_bytes, values.largest, values.n) == ("delay@3", True, 0.0, 3000)
    assert values.made_of == {"data": True, "source": True, "parameters": True, "seeds": False, "environment": True}
    assert (values.second_person, values.same_recipe) == (False, True)
    assert gate(lab).verdict == "PASS"
    assert "which its maker made again, has the same bytes" in gate(lab).reason


@pytest.mark.parametrize(("off", "verdict"), [(5e-7, "PASS"), (2e-6, "FAIL")])
def test_answers_may_differ_by_the_tolerance(lab, off, verdict):
    """Golden: one rate that is off by so much; all the others are equal."""
    lab.evaluate("delay@2", explain=False)
    made(lab, np.where(np.arange(10) == 4, RATES - off, RATES))
    values = reproduce(lab.ws, "delay@2", "delay@3").values
    assert values.largest == pytest.approx(off, rel=1e-6)
    assert values.same_bytes is False
    assert "golden.json" in values.differing
    assert gate(lab).verdict == verdict


def test_equal_answers_of_other_data_or_parameters_reproduce_nothing(lab):
    lab.ws.data.add("questions", lab.table.slice(0, 2000), event_time="asked_at")
    lab.evaluate("delay@2", explain=False)
    lab.clock.forward(minutes=1)
    made(lab, read="questions@2")
    made(lab, depth=4)
    for other, what in (("delay@3", "data"), ("delay@4", "parameters")):
        values = reproduce(lab.ws, "delay@2", other).values
        assert (values.largest, values.other_ingredients) == (0.0, (what,))
        assert gate(lab).verdict == "FAIL"
        assert f"It was made of other {what}." in gate(lab).reason
        lab.clock.forward(minutes=1)


def test_what_is_not_on_record_is_unknown_and_never_passes(lab):
    """A version without a run, and one whose run read nothing that is known here."""
    lab.evaluate("delay@1", explain=False)
    lab.save("delay", lab.by_bucket(RATES))
    assert set(reproduce(lab.ws, "delay@1", "delay@3").values.made_of.values()) == {None}
    assert gate(lab, "delay@1").verdict == "UNKNOWN"
    assert "Not on record for both: data, source" in gate(lab, "delay@1").reason
    lab.evaluate("delay@2", explain=False)
    made(lab, read=None)
    assert reproduce(lab.ws, "delay@2", "delay@4").values.unknown_ingredients == ("data",)
    assert gate(lab).verdict == "UNKNOWN"


def test_it_counts_for_the_scores_of_the_newest_evaluation_alone(lab):
    lab.evaluate("delay@2", explain=False)
    made(lab)
    reproduce(lab.ws, "delay@2", "delay@3")
    assert gate(lab).verdict == "PASS"
    lab.clock.forward(minutes=5)
    lab.ws.evidence.record("delay@2", "questions@1", np.linspace(0, 1, 3000))
    assert gate(lab).verdict == "UNKNOWN"
    values = reproduce(lab.ws, "delay@2", "delay@3").values
    assert (values.same_bytes, values.largest > 0.1) == (True, True)


def test_the_rows_are_those_of_the_window(lab):
    """The other one is evaluated on them by itself."""
    window = {"since": START, "until": START.replace(month=2)}
    lab.evaluate("delay@2", explain=False, **window)
    made(lab)
    found = reproduce(lab.ws, "delay@2", "delay@3")
    assert (found.window.since, found.window.until, found.values.n) == (START, window["until"], 31 * 72)
    assert lab.ws.evidence.get(found.values.evaluation).version == 3


def test_what_cannot_have_been_made_again_is_refused(lab):
    with pytest.raises(NotFound, match="never evaluated"):
        reproduce(lab.ws, "delay@2", "delay@1")
    lab.evaluate("delay@2", explain=False)
    with pytest.raises(Invalid, match="is the version itself"):
        reproduce(lab.ws, "delay@2", "delay@2")
    run = lab.ws.models.get("delay@2").manifest.run_id
    lab.ws.models.save(lab.by_bucket(RATES), "delay", example=lab.table.select(["bucket"]), run_id=run)
    with pytest.raises(Invalid, match="came out of the same run"):
        reproduce(lab.ws, "delay@2", "delay@3")
    made(lab)
    with pytest.raises(NotFound, match=r"delay@4 was not evaluated on the rows of delay@2"):
        lab.ws.checks.reproduce("delay@2", "delay@4")
    assert [each.kind for each in lab.ws.evidence.list("delay@2") if each.kind is Kind.REPRODUCTION] == []


def test_of_a_pipeline_the_same_version_and_parameters_count_and_who_asked_for_it(lab):
    """A worker carries executions out and is nobody: whoever asked for one made what came out of it."""
    lock = lab.ws.executions.send(b"numpy==2.0.0\n").digest
    definition = Definition(
        entry="pipeline:retrain", source=lock, environment=lock, parameters=(Parameter(name="depth", required=False),)
    )
    lab.ws.pipelines.define("retrain", definition)
    ada = Workspace(lab.platform.table, LocalCaller(lab.platform, replace(OWNER, actor=Actor(id="ada"))), lab.ws.where)
    first, again = lab.ws.pipelines.start("retrain", {"depth": 3}), ada.pipelines.start("retrain", {"depth": 3})
    deeper = ada.pipelines.start("retrain", {"depth": 4})
    lab.ws.pipelines.define("retrain", replace(definition, commit="c" * 40))
    newer = ada.pipelines.start("retrain", {"depth": 3})
    for execution in (first, again, deeper, newer):
        with stepping(execution.id):
            made(lab)
    lab.evaluate("delay@3", explain=False)
    values = reproduce(ada, "delay@3", "delay@4").values
    assert (values.execution, values.maker, values.remaker) == (again.id, "owner", "ada")
    assert (values.second_person, values.made_of["pipeline"], values.same_recipe) == (True, True, True)
    for other, what in (("delay@5", "parameters"), ("delay@6", "pipeline")):
        assert reproduce(ada, "delay@3", other).values.other_ingredients == (what,)
    assert set(reproduce(ada, "delay@3", "delay@2").values.other_ingredients) == {"parameters", "pipeline"}


@given(
    st.dictionaries(st.sampled_from("abc"), st.sampled_from("xy")),
    st.dictionaries(st.sampled_from("abc"), st.sampled_from("xy")),
)
def test_a_source_is_the_same_when_every_file_is_there_unchanged(mine, its):
    kept = {}
    made = [Making(maker="zoe", source=_snapshot(files, kept)) for files in (mine, its)]
    expected = all(its.get(path) == text for path, text in mine.items())
    assert made_of(made[0], made[1], kept.__getitem__)["source"] is expected


def test_a_source_that_cannot_be_read_is_another_one():
    made = [Making(maker="zoe", source=each * 64) for each in "ab"]
    assert made_of(made[0], made[1], lambda _: b"no snapshot")["source"] is False
    assert made_of(made[0], replace(made[1], source=None), lambda _: b"")["source"] is None


def _snapshot(files, kept):
    listed = tuple(
        SourceFile(path=path, digest=wire.sha256(text.encode()), size=1) for path, text in sorted(files.items())
    )
    data = wire.canonical(SourceSnapshot(files=listed))
    kept[wire.sha256(data)] = data
    return wire.sha256(data)


def test_of_a_package_all_counts_but_when_and_where_it_was_packaged(desk):
    manifest = desk.ws.models.get("delay@1").manifest
    kept = {"a" * 64: b"flavors: x\nutc_time_created: 1\n", "b" * 64: b"flavors: x\nutc_time_created: 2\n"}
    kept["c" * 64] = b"flavors: y\nutc_time_created: 1\n"

    def packed(**digests):
        files = tuple(replace(file, digest=digests.get(file.path.split(".")[0], "a" * 64)) for file in manifest.files)
        return replace(manifest, files=files)

    def found(**digests):
        return differing(packed(), packed(**digests), kept.__getitem__)

    assert found(MLmodel="b" * 64, requirements="b" * 64, python_env="c" * 64) == ()
    assert found(MLmodel="c" * 64) == ("MLmodel",)
    assert found(golden="b" * 64) == ("golden.json",)
    assert differing(manifest, replace(manifest, flavour="sklearn", files=()), kept.__getitem__)[0] == "flavour"


@contextmanager
def stepping(execution: str):
    """As in a step of it."""
    token = doing.set(Doing(execution, "train"))
    try:
        yield
    finally:
        doing.reset(token)

"""The training script goes on, whatever becomes of what it logs; and what it logged is there at the end."""

from __future__ import annotations

import random
import threading

import numpy as np
import pytest

from modelwright.core.errors import Invalid, Unavailable
from modelwright.tracking.recorder import ActiveRun, seeded


@pytest.fixture
def active(runs):
    """A run in progress, without the capture."""
    return ActiveRun(runs, runs.start("train"))


class DeadFace:
    """``ws.runs`` over a connection that is gone until ``failure`` is taken away."""

    def __init__(self, runs, failure):
        self.runs = runs
        self.failure = failure
        self.failed = threading.Event()

    def log(self, *given):
        if self.failure is not None:
            self.failed.set()
            raise self.failure
        return self.runs.log(*given)

    def finish(self, *given, **more):
        return self.runs.finish(*given, **more)


def values(runs, run, key="loss"):
    return [each.value for each in runs.history(run.id, key).items]


def test_everything_that_was_logged_is_there_when_the_run_has_finished(runs, active):
    for step in range(300):
        active.log({"loss": 1 / (step + 1)}, step=step, auc=0.5)
    done = active.finish()
    assert done.status == "finished"
    assert values(runs, active) == [1 / (step + 1) for step in range(300)]
    assert [each.step for each in runs.history(active.id, "auc").items] == list(range(300))


def test_more_points_than_one_batch_holds_are_all_there(runs, active):
    for step in range(10_050):
        active.log(loss=step, step=step)
    active.finish()
    found = runs.history(active.id, "loss", limit=20_000).items
    assert [each.value for each in found] == list(range(10_050))


def test_threads_may_log_at_once(runs, active):
    threads = [
        threading.Thread(target=lambda n=n: [active.log({f"m{n}": i}, step=i) for i in range(100)]) for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    active.finish()
    assert all(values(runs, active, f"m{n}") == list(range(100)) for n in range(4))


class Stubborn:
    """A tensor of a library that we do not know."""

    def __float__(self):
        raise RuntimeError("a Tensor with 2 elements cannot be converted to Scalar")


@pytest.mark.parametrize(
    "value", [None, "high", object(), [1, 2], np.array([1.0, 2.0]), 10**400, Stubborn()], ids=lambda v: type(v).__name__
)
def test_a_value_that_is_no_number_is_logged_as_none_with_a_warning(runs, active, caplog, value):
    active.log({"loss": value})
    active.log({"loss": 1.0})
    active.finish()
    assert values(runs, active) == ["NaN", 1.0]
    assert "not a number" in caplog.text


@pytest.mark.parametrize("given", ["loss", 5, ["loss"], object()], ids=repr)
def test_what_is_no_mapping_is_said_in_a_warning_and_raises_nothing(runs, active, caplog, given):
    active.log(given)
    active.log(loss=1.0)
    active.finish()
    assert values(runs, active) == [1.0]
    assert "is not a mapping of metrics" in caplog.text


@pytest.mark.parametrize(
    ("metrics", "step"),
    [({"": 1.0}, 0), ({"a\nb": 1.0}, 0), ({7: 1.0}, 0), ({"x" * 251: 1.0}, 0)]
    + [({"loss": 9.0}, wrong) for wrong in ("one", 0.5, None, 2**62, -(2**63))],
)
def test_a_point_that_cannot_be_kept_does_not_hold_up_the_others(runs, active, caplog, metrics, step):
    active.log(loss=1.0)
    active.log(metrics, step=step)
    active.log(loss=2.0)
    active.finish()
    assert values(runs, active) == [1.0, 2.0]
    assert "was not logged" in caplog.text


@pytest.mark.parametrize("number", [np.float32(0.5), np.float64(0.5), np.int64(2), np.bool_(True), True, np.array(0.5)])
def test_numpys_numbers_are_numbers_as_values_and_as_steps(runs, active, number):
    active.log({"loss": number}, step=np.int64(3))
    active.finish()
    (point,) = runs.history(active.id, "loss").items
    assert (point.value, point.step) == (float(number), 3)


def test_infinities_and_nan_are_kept(runs, active):
    for number in (float("inf"), float("-inf"), float("nan"), -0.0):
        active.log(loss=number)
    active.finish()
    assert values(runs, active) == ["Infinity", "-Infinity", "NaN", 0.0]


@pytest.mark.parametrize("failure", [Unavailable("gone"), OSError("broken pipe"), RuntimeError("closed")], ids=repr)
def test_a_dead_connection_stops_nothing_and_what_was_logged_is_sent_when_it_is_back(runs, caplog, failure):
    face = DeadFace(runs, failure)
    active = ActiveRun(face, runs.start("train"))
    active.log(loss=1.0)
    active._wake.set()
    assert face.failed.wait(30)
    active.log(loss=2.0)
    face.failure = None
    active.finish()
    assert values(runs, active) == [1.0, 2.0]
    assert str(failure) in caplog.text


def test_points_that_could_not_be_sent_are_counted_at_the_end(runs, caplog):
    active = ActiveRun(DeadFace(runs, Unavailable("gone")), runs.start("train"))
    for _ in range(3):
        active.log(loss=1.0)
    assert active.finish().status == "finished"
    assert "3 points could not be logged" in caplog.text


def test_an_answer_that_was_lost_on_the_way_doubles_nothing(runs):
    """The batch was kept, the answer did not come: it is sent again under the same positions, with what came since."""
    face = DeadFace(runs, None)
    lost = iter([True])

    def log(*given):
        runs.log(*given)
        if next(lost, False):
            face.failed.set()
            raise Unavailable("the answer was lost")

    face.log = log
    active = ActiveRun(face, runs.start("train"))
    active.log(loss=1.0)
    active._wake.set()
    assert face.failed.wait(30)
    active.log(loss=2.0)
    active.finish()
    assert values(runs, active) == [1.0, 2.0]


def test_an_exception_marks_the_run_failed_with_its_line_and_goes_on(runs, active):
    active.log(loss=1.0)
    with pytest.raises(KeyError, match="wind"), active:
        raise KeyError("wind")
    found = runs.get(active.id)
    assert (found.status, found.error) == ("failed", "KeyError: 'wind'")
    assert values(runs, active) == [1.0]


def test_a_run_that_ended_well_has_its_cost_and_no_error(runs, active):
    with active:
        pass
    found = runs.get(active.id)
    assert (found.status, found.error) == ("finished", None)
    assert found.cost.wall_seconds >= 0
    assert found.cost.peak_memory_mb > 1


def test_notes_files_and_data_are_with_the_run(runs, active, tmp_path):
    (tmp_path / "plot.svg").write_bytes(b"<svg/>")
    active.note(stage="late", fold=3)
    active.keep(tmp_path / "plot.svg")
    active.keep(tmp_path / "plot.svg", name="plots/first.svg")
    found = active.finish()
    assert found.tags == {"stage": "late", "fold": "3"}
    assert [artifact.path for artifact in found.artifacts] == ["plot.svg", "plots/first.svg"]
    with pytest.raises(Invalid):
        active.keep(tmp_path / "plot.svg", name="../plot.svg")


def test_a_seed_makes_random_and_numpy_repeatable():
    drawn = []
    for _ in range(2):
        assert seeded(7) == {"random": 7, "numpy": 7}
        drawn.append((random.random(), np.random.random()))  # noqa: NPY002  # the generator that is seeded
    assert drawn[0] == drawn[1]


def test_without_a_seed_a_fresh_one_is_chosen_and_said():
    seeds = seeded(None)
    first = (random.random(), np.random.random())  # noqa: NPY002  # the generator that is seeded
    assert seeds["random"] == seeds["numpy"]
    seeded(seeds["random"])
    assert (random.random(), np.random.random()) == first  # noqa: NPY002  # the generator that is seeded

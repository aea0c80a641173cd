"""Decorators check what they are given when the module is imported, and parameters when it is called."""

from datetime import UTC, datetime, timedelta

import pytest

import modelwright as mw
from modelwright.core.errors import Invalid


def _plain():
    return 1


def test_lengths_are_read():
    step = mw.step(retries=2, timeout="10m")(_plain)
    assert (step.retries, step.timeout) == (2, timedelta(minutes=10))


@pytest.mark.parametrize("timeout", ["10", "ten minutes", "0s", -1, "1y"])
def test_other_lengths_are_refused(timeout):
    with pytest.raises(Invalid, match=r"no length of time|not a duration"):
        mw.step(timeout=timeout)(_plain)


def _generator():
    yield 1


async def _coroutine():
    pass


@pytest.mark.parametrize("thing", [len, _generator, _coroutine, int, lambda: 1])
def test_only_plain_functions_are_steps(thing):
    with pytest.raises(Invalid, match=r"plain function|needs a name"):
        mw.step(thing)


@pytest.mark.parametrize(
    "trigger", ["alarm", "alarm:", "alarm:a b", "cron:", "cron:* * *", "cron:0 0 30 2 *", "commit:x", "moon:full"]
)
def test_other_triggers_are_refused(trigger):
    with pytest.raises(Invalid, match=r"no (trigger|calendar)"):
        mw.pipeline(on=[trigger])(_plain)


def test_retries_and_budgets_are_bounded():
    with pytest.raises(Invalid, match="retries is -1"):
        mw.step(retries=-1)(_plain)
    with pytest.raises(Invalid, match="budget is 0"):
        mw.pipeline(budget=0)(_plain)


@mw.pipeline(name="typed")
def typed(until: datetime, lr: float = 0.1, names: tuple[str, ...] = ()):
    return None


def test_parameters_are_read_by_the_annotations():
    bound = typed.bound({"until": "2013-04-01", "lr": "0.3", "names": ["a"]})
    assert bound == {"until": datetime(2013, 4, 1, tzinfo=UTC), "lr": 0.3, "names": ("a",)}
    assert [(one.name, one.kind, one.required) for one in typed.parameters] == [
        ("until", "datetime", True),
        ("lr", "float", False),
        ("names", "tuple", False),
    ]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "until"),
        ({"until": "soon"}, "until"),
        ({"until": "2013-04-01", "lr": "x"}, "lr"),
        ({"until": "2013-04-01", "k": 1}, "k"),
    ],
)
def test_wrong_parameters_are_named(given, words):
    with pytest.raises(Invalid, match=words):
        typed.trace(given)


def test_the_name_is_the_functions_with_hyphens():
    @mw.pipeline()
    def retrain_the_model():
        pass

    @mw.pipeline
    def bare():
        pass

    assert (retrain_the_model.name, bare.name) == ("retrain-the-model", "bare")
    assert typed.name == "typed"

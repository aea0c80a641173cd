"""What arrives together is one call, and everybody gets his own rows back."""

import asyncio
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.core.errors import Unavailable
from modelwright.inference.batching import Batcher, Limits
from modelwright.inference.response import Problem
from modelwright.inference.rows import Rows
from modelwright.inference.scoring import Scorer


class Desk:
    """A batcher over a model that answers the value of ``x``, and refuses negative ones."""

    def __init__(self, kit, executor, limits=Limits()):  # noqa: B008 - immutable
        self.calls = []
        self.threads = set()
        self.log = kit.MemoryLog()
        scorer = Scorer(kit.route(), generation=1, predictor=self.predict, log=self.log)
        self.batcher = Batcher(scorer, executor=executor, limits=limits)

    def predict(self, columns):
        values = columns["x"]
        self.calls.append(len(values))
        self.threads.add(threading.current_thread())
        if any(value < 0 for value in values):
            raise ValueError("negative")
        return np.array(values, dtype=float)

    async def score(self, *values):
        return await self.batcher.score(Rows({"x": list(values)}, len(values)))

    def ask_together(self, *requests):
        """Answers or errors of requests that arrive in one turn of the loop."""

        async def all_of_them():
            asked = (self.score(*values) for values in requests)
            return await asyncio.gather(*asked, return_exceptions=True)

        return asyncio.run(all_of_them())


@pytest.fixture
def desk(bench, kit):
    executor = bench().executor
    return lambda **limits: Desk(kit, executor, Limits(**limits))


def outputs(answers):
    return [list(answer.outputs) for answer in answers]


def test_what_arrives_together_is_one_call(desk):
    one = desk()
    assert outputs(one.ask_together([1.0], [2.0, 3.0], [4.0])) == [[1.0], [2.0, 3.0], [4.0]]
    assert one.calls == [4]
    assert len(one.log.batches) == 3


@pytest.fixture(scope="module")
def standing(kit):
    one = kit.Bench()
    yield one.executor
    one.close()


@settings(max_examples=50)
@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=20), merged=st.integers(1, 12), large=st.integers(2, 10))
def test_everybody_gets_his_own_rows_in_order_whatever_the_sizes(kit, standing, sizes, merged, large):
    one = Desk(kit, standing, Limits(merged_rows=merged, large_rows=large))
    requests, start = [], 0
    for size in sizes:
        requests.append([float(value) for value in range(start, start + size)])
        start += size
    answers = one.ask_together(*requests)
    assert outputs(answers) == requests
    assert all(count <= max(merged, *sizes) for count in one.calls)
    logged = {
        one_id: output for batch in one.log.batches for one_id, output in zip(batch.ids, batch.outputs, strict=True)
    }
    assert [[logged[one_id] for one_id in answer.ids] for answer in answers] == requests
    assert len(logged) == start


def test_a_bad_row_fails_its_own_request_alone(desk):
    one = desk()
    good, bad, fine = one.ask_together([1.0], [2.0, -1.0], [3.0])
    assert isinstance(bad, Problem)
    assert bad.status == 422
    assert outputs([good, fine]) == [[1.0], [3.0]]
    assert [batch.outputs for batch in one.log.batches] == [[1.0], [3.0]]


def test_a_model_that_answers_another_number_of_rows_is_refused(desk):
    one = desk()
    one.batcher.scorer.predictor = lambda columns: np.zeros(7)
    assert [answer.status for answer in one.ask_together([1.0], [2.0])] == [422, 422]
    assert one.log.batches == []


def test_a_log_that_fails_fails_the_whole_batch(desk):
    one = desk()
    one.log.failure = OSError(28, "No space left on device")
    assert [type(answer) for answer in one.ask_together([1.0], [2.0])] == [Unavailable, Unavailable]


def test_a_large_request_runs_in_a_thread(desk):
    one = desk(large_rows=3)
    assert outputs(one.ask_together([1.0, 2.0, 3.0])) == [[1.0, 2.0, 3.0]]
    assert threading.current_thread() not in one.threads


def test_the_loop_answers_others_while_a_large_request_runs(desk):
    one = desk(large_rows=3)
    small_is_answered = threading.Event()
    predict = one.predict

    def patient(columns):
        if len(columns["x"]) >= 3:
            assert small_is_answered.wait(20)
        return predict(columns)

    one.batcher.scorer.predictor = patient

    async def both():
        large = asyncio.create_task(one.score(1.0, 1.0, 1.0))
        small = await one.score(2.0)
        small_is_answered.set()
        return small, await large

    assert outputs(asyncio.run(both())) == [[2.0], [1.0] * 3]


def test_too_much_waiting_is_sent_away(desk):
    one = desk(pending_rows=3)
    answers = one.ask_together([1.0, 2.0], [3.0], [4.0])
    assert outputs(answers[:2]) == [[1.0, 2.0], [3.0]]
    assert isinstance(answers[2], Unavailable)
    assert outputs(one.ask_together([5.0] * 4)) == [[5.0] * 4], "an empty queue takes any size"


def test_a_client_that_goes_away_disturbs_nobody(desk):
    one = desk()

    async def impatient():
        gone = asyncio.create_task(one.score(1.0))
        stays = asyncio.create_task(one.score(2.0))
        await asyncio.sleep(0)
        gone.cancel()
        return await stays

    assert outputs([asyncio.run(impatient())]) == [[2.0]]


def test_a_costly_model_waits_for_those_who_are_arriving(desk):
    one = desk()
    one.batcher._cost = 10.0

    async def trickle():
        asked = []
        for value in range(5):
            asked.append(asyncio.create_task(one.score(float(value))))
            await asyncio.sleep(0)
        return await asyncio.gather(*asked)

    assert outputs(asyncio.run(trickle())) == [[0.0], [1.0], [2.0], [3.0], [4.0]]
    assert one.calls == [5]

"""A script whose home is behind a server executes pipelines all the same."""

from contextlib import closing

import pyarrow as pa
import pytest

import modelwright as mw
from modelwright.pipelines.model import Failed, StepStatus
from support.homes import fresh_platform, live


@mw.step
def load(rows: int):
    return pa.table({"x": list(range(rows))})


@mw.step
def count(table, times):
    if times > 2:
        raise ValueError("too often")
    return table.num_rows * times


@mw.pipeline()
def counted(rows: int, times: int):
    return [count(load(rows), times), load(rows)]


def test_results_travel_both_ways(tmp_path):
    with closing(fresh_platform(tmp_path)) as platform, live(platform) as url, mw.connect(url) as ws:
        first = counted.run(workspace=ws, executor="inline", rows=9000, times=2)
        number, table = ws.pipelines.result(first.id)
        assert (number, table.num_rows) == (18_000, 9000)
        other = counted.run(workspace=ws, executor="inline", rows=9000, times=1)  # fetches the table that is known
        assert ws.pipelines.result(other.id)[0] == 9000
        found = {step.id: step for step in ws.pipelines.steps(other.id)}
        assert found["load"].status is StepStatus.CACHED
        with pytest.raises(Failed, match="too often"):
            counted.run(workspace=ws, executor="inline", rows=9000, times=3)
        assert ws.pipelines.executions().items[0].status == "failed"

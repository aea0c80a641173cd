"""What cannot be logged is said, and keeps nothing else from being logged, in process and over HTTP."""

from contextlib import closing

import numpy as np
import pytest

import modelwright as mw
from modelwright.tracking.recorder import ActiveRun
from support.homes import fresh_platform, live


@pytest.fixture(params=["local", "remote"])
def ws(request, tmp_path):
    with closing(fresh_platform(tmp_path)) as platform:
        if request.param == "local":
            with mw.connect(platform.home.folder) as opened:
                yield opened
            return
        with live(platform) as url, mw.connect(url) as opened:
            yield opened


@pytest.mark.parametrize(
    ("key", "value", "step"),
    [
        ("", 1.0, 0),
        ("k" * 300, 1.0, 0),
        ("a\nb", 1.0, 0),
        (7, 1.0, 0),
        ("far", 1.0, 2**63),
        ("half", 1.0, 1.5),
    ],
)
def test_a_point_that_no_server_takes_is_left_out_alone(ws, caplog, key, value, step):
    run = ActiveRun(ws.runs, ws.runs.start("training"))
    run.log(loss=0.5)
    run.log({key: value}, step=step)
    run.log(loss=0.25, step=1)
    run.finish()
    assert ws.runs.get(run.id).metrics == {"loss": 0.25}
    assert "was not logged" in caplog.text


def test_numbers_of_numpy_are_numbers(ws):
    run = ActiveRun(ws.runs, ws.runs.start("training"))
    for step in np.arange(3):
        run.log({"loss": np.float32(0.5)}, step=step)
    run.finish()
    points = ws.runs.history(run.id, "loss").items
    assert [(point.step, point.value) for point in points] == [(0, 0.5), (1, 0.5), (2, 0.5)]

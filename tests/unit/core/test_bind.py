"""An operation's arguments are checked alike, whether they come as JSON or as objects that a script has made."""

from datetime import UTC, datetime

import numpy as np
import pytest

import modelwright as mw
from modelwright.app.home import Home
from modelwright.core.errors import Invalid
from modelwright.core.schema import Column, Contract, DType
from modelwright.models.model import PackageFile, Task
from modelwright.models.service import ModelService
from modelwright.tracking.model import Metric
from modelwright.tracking.service import RunService

INPUTS = Contract(columns=(Column(name="x", dtype=DType.FLOAT64),))
FILE = PackageFile(path="model.json", digest="0" * 64, size=1)


@pytest.mark.parametrize("path", ["../../x", "/etc/passwd", "a//b", ""])
def test_a_file_made_by_a_script_may_not_have_a_path_that_json_may_not_have(path):
    file = PackageFile(path=path, digest="0" * 64, size=1)
    with pytest.raises(Invalid, match="path"):
        ModelService.operations()["register"].bind(("m", "sklearn", Task.REGRESSION, INPUTS, (file,)), {})


def test_what_a_home_takes_in_process_it_can_read_again(tmp_path):
    Home(tmp_path / "home").open(create=True)
    with mw.connect(tmp_path / "home") as ws:
        content = tmp_path / "x"
        content.write_bytes(b"x")
        sent = ws.runs.send(content)
        file = PackageFile(path="../../x", digest=sent.digest, size=1)
        with pytest.raises(Invalid):
            ws.models.register("m", "sklearn", Task.REGRESSION, INPUTS, (file,))
        assert ws.models.list().items == []


@pytest.mark.parametrize("step", [np.int64(3), "3", 1.5])
def test_a_step_that_json_cannot_carry_is_refused_in_process_too(step):
    metric = Metric(key="loss", value=0.5, step=step, at=datetime.now(UTC), seq=0)
    with pytest.raises(Invalid):
        RunService.operations()["log"].bind(("0" * 32, (metric,)), {})


def test_what_is_in_order_stays_as_it_is():
    arguments = ("m", "sklearn", Task.REGRESSION, INPUTS, (FILE,))
    bound = ModelService.operations()["register"].bind(arguments, {})
    assert (bound.task, bound.inputs, bound.files) == (Task.REGRESSION, INPUTS, (FILE,))

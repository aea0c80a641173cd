"""What every flavour must pass. Inherit from ``FlavourContract`` in a test class and give a model and some rows."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from modelwright.core.errors import Corrupted
from modelwright.core.schema import Contract
from modelwright.models.flavours.base import Flavour
from modelwright.models.model import Task

_ELSEWHERE = """
import sys
from importlib import import_module
import msgspec
from modelwright.core.schema import Contract
from modelwright.models.model import Task
given = msgspec.msgpack.decode(sys.stdin.buffer.read())
predictor = import_module(given["module"]).variant.load(
    given["files"], msgspec.convert(given["inputs"], Contract), Task(given["task"])
)
sys.stdout.buffer.write(predictor(given["rows"]).tobytes())
"""


class FlavourContract:
    """The law of ``Flavour``, as tests that pytest collects from a class that inherits this.

    Example:
        >>> class TestMine(FlavourContract):  # doctest: +SKIP
        ...     flavour = variant
        ...     model = my_fitted_model
        ...     inputs = Contract(columns=(Column(name="hour", dtype=DType.INT64),))
        ...     rows = {"hour": [1, 2, 3]}
    """

    flavour: Flavour
    """The module that defines its class offers it as ``variant``."""
    model: object
    inputs: Contract
    rows: Mapping[str, Sequence[Any]]
    """At least two rows that keep the contract."""

    @property
    def files(self) -> dict[str, bytes]:
        """The model as bytes."""
        return self.flavour.save(self.model, self.inputs)

    @property
    def task(self) -> Task:
        """What its output means."""
        return self.flavour.task(self.model)

    def test_it_handles_its_own_models_and_no_others(self) -> None:
        assert self.flavour.handles(self.model)
        assert not self.flavour.handles(object())

    def test_a_loaded_model_answers_one_float_per_row(self) -> None:
        answers = self.flavour.load(self.files, self.inputs, self.task)(self.rows)
        assert answers.dtype == np.float64
        assert answers.shape == (len(next(iter(self.rows.values()))),)
        if self.task is Task.BINARY:
            assert ((answers >= 0) & (answers <= 1)).all()

    def test_in_a_clean_process_it_answers_the_same_bit_for_bit(self) -> None:
        here = self.flavour.load(self.files, self.inputs, self.task)(self.rows)
        given = {
            "module": type(self.flavour).__module__,
            "files": self.files,
            "inputs": msgspec.to_builtins(self.inputs),
            "task": self.task,
            "rows": {name: list(values) for name, values in self.rows.items()},
        }
        process = [sys.executable, "-c", _ELSEWHERE]
        there = subprocess.run(process, input=msgspec.msgpack.encode(given), stdout=subprocess.PIPE, check=True)  # noqa: S603
        assert there.stdout == here.tobytes()

    def test_a_row_is_answered_whatever_its_neighbours_are(self) -> None:
        predictor = self.flavour.load(self.files, self.inputs, self.task)
        together = predictor(self.rows)
        for row, answer in enumerate(together):
            alone = predictor({name: values[row : row + 1] for name, values in self.rows.items()})
            assert alone[0] == pytest.approx(answer, rel=1e-12, abs=1e-12)

    def test_answering_changes_neither_rows_nor_model(self) -> None:
        predictor = self.flavour.load(self.files, self.inputs, self.task)
        rows = {name: list(values) for name, values in self.rows.items()}
        assert predictor(rows).tobytes() == predictor(rows).tobytes()
        assert rows == {name: list(values) for name, values in self.rows.items()}

    def test_other_bytes_are_corrupted_and_not_loaded(self) -> None:
        for files in ({}, dict.fromkeys(self.files, b"\x00junk"), dict.fromkeys(self.files, b"")):
            with pytest.raises(Corrupted):
                self.flavour.load(files, self.inputs, self.task)

    def test_its_section_of_the_mlmodel_file_is_plain_data(self) -> None:
        assert msgspec.yaml.decode(msgspec.yaml.encode(self.flavour.mlmodel(self.model)))

    def test_nothing_is_written_beside_the_bytes(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        self.flavour.load(self.files, self.inputs, self.task)(self.rows)
        assert list(tmp_path.iterdir()) == []

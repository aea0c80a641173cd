"""What differs between runs."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

from msgspec import Struct

from modelwright.core.ids import Id
from modelwright.core.wire import Real
from modelwright.tracking.model import Run

T = TypeVar("T", bound=Hashable)


class Differences(Struct, frozen=True, kw_only=True):
    """What differs between runs. Each entry has one value per run, none where a run has no such entry.

    Attributes:
        runs: The runs, in the order they were given.
        parameters: By name.
        metrics: The newest value of each, by name.
        origins: Code and data: ``commit``, ``uncommitted``, ``source``, ``environment``, ``data``.
    """

    runs: tuple[Id, ...]
    parameters: dict[str, tuple[str | None, ...]]
    metrics: dict[str, tuple[Real | None, ...]]
    origins: dict[str, tuple[str | None, ...]]


def differences(runs: Sequence[Run]) -> Differences:
    """What is not the same in all runs, each kind in the order it first appears.

    Args:
        runs: As ``runs.get`` answers them.
    """
    return Differences(
        runs=tuple(run.id for run in runs),
        parameters=_differing([run.parameters for run in runs]),
        metrics=_differing([run.metrics for run in runs]),
        origins=_differing([_origins(run) for run in runs]),
    )


def _differing(values: Sequence[Mapping[str, T]]) -> dict[str, tuple[T | None, ...]]:
    names = dict.fromkeys(name for each in values for name in each)
    rows = {name: tuple(each.get(name) for each in values) for name in names}
    return {name: row for name, row in rows.items() if len(set(row)) > 1}


def _origins(run: Run) -> dict[str, str]:
    code = run.capture
    found = {
        "commit": code.commit,
        "uncommitted": code.diff,
        "source": code.source,
        "environment": code.environment,
        "data": ", ".join(read.ref for read in run.reads),
    }
    return {name: value for name, value in found.items() if value}

"""How features are distributed over the rows of a training set."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from modelwright.core.schema import Column, DType
from modelwright.core.wire import real
from modelwright.features.model import Distribution

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
_TOP = 10
_CUT = 200


def distributions(table: pa.Table, columns: Iterable[Column]) -> tuple[Distribution, ...]:
    """One per feature, in their order; quantiles as NumPy interpolates them, of finite values."""
    return tuple(_distribution(column, table[column.name]) for column in columns)


def _distribution(column: Column, values: pa.ChunkedArray) -> Distribution:
    if column.dtype not in (DType.INT64, DType.FLOAT64):
        counted = pc.value_counts(values.drop_null().cast(pa.string())).to_pylist()
        ordered = sorted(((entry["values"][:_CUT], entry["counts"]) for entry in counted), key=lambda e: (-e[1], e[0]))
        return Distribution(name=column.name, missing=values.null_count, top=tuple(ordered[:_TOP]))
    numbers = np.asarray(values.drop_null().cast(pa.float64(), safe=False).to_numpy())
    finite = numbers[np.isfinite(numbers)]
    missing = values.null_count + int(np.isnan(numbers).sum())
    if not len(finite):
        return Distribution(name=column.name, missing=missing)
    return Distribution(
        name=column.name,
        missing=missing,
        minimum=real(float(finite.min())),
        quantiles=tuple(real(float(value)) for value in np.quantile(finite, LEVELS)),
        maximum=real(float(finite.max())),
    )

"""The models of the example: what a desk knows by heart, one that learns, and one that should not pass."""

from typing import Any, NamedTuple

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder, StandardScaler

import modelwright as mw

STRINGS = ("carrier", "origin", "dest")
KNOWN = ("temp", "dewp", "humid", "wind_speed", "precip", "visib", "pressure", "carrier_delay_7d")
"""What is looked up when a flight is asked about; each may be missing."""

COLUMNS = (*STRINGS, "hour", "weekday", "distance", *KNOWN)
"""The vector of `features.view`, in its order."""


class Rates(NamedTuple):
    """A late rate by carrier and scheduled hour, and the one for pairs it has not."""

    table: pa.Table
    otherwise: float


def features(table: pa.Table) -> NDArray[np.object_]:
    """The vectors as objects ``(n_rows, 14)``: text as text, a missing number as NaN."""
    values = np.empty((table.num_rows, len(COLUMNS)), dtype=object)
    for position, name in enumerate(COLUMNS):
        values[:, position] = table[name].to_numpy()
    return values


def labels(table: pa.Table) -> NDArray[np.int64]:
    """Whether each flight was late, 0 or 1 ``(n_rows,)``; every one must be known."""
    return np.asarray(table["late"].to_numpy())


def fit(table: pa.Table, seed: int = 0, **params: Any) -> Pipeline:
    """Learn from a training set. The pipeline takes `features`.

    A text it has not seen counts as missing. More ``max_iter`` or ``max_leaf_nodes`` fit the season at hand better and
    the next one worse.

    Args:
        table: The training set of `features.view`, every label known.
        seed: For the sample that sets the bins, above 200,000 rows.
        params: For ``HistGradientBoostingClassifier``.
    """
    settings = {"max_iter": 100, "max_leaf_nodes": 15, "min_samples_leaf": 50, "early_stopping": False} | params
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    columns = ColumnTransformer([("codes", codes, list(range(len(STRINGS))))], remainder="passthrough")
    model = Pipeline([("columns", columns), ("trees", HistGradientBoostingClassifier(random_state=seed, **settings))])
    return model.fit(features(table), labels(table))


def by_carrier_and_hour(table: pa.Table, least: int = 30) -> Rates:
    """The heuristic to beat: how often this carrier was late at this hour, or under ``least`` flights, anyone."""
    with duckdb.connect() as connection:
        connection.register("prepared", table)
        rates = connection.sql(
            """
            SELECT carrier, hour, avg(late) AS rate
            FROM prepared GROUP BY carrier, hour HAVING count(late) >= $least ORDER BY carrier, hour
            """,
            params={"least": least},
        ).to_arrow_table()
    return Rates(table=rates, otherwise=float(labels(table).mean()))


def heuristic(table: pa.Table) -> mw.Lookup:
    """What a desk knows by heart, as a model like any other."""
    rates = by_carrier_and_hour(table)
    return mw.Lookup.of(rates.table.to_pydict(), keys=["carrier", "hour"], value="rate", otherwise=rates.otherwise)


def weak(table: pa.Table) -> Pipeline:
    """A candidate that is worse than the heuristic: the distance alone, on a line."""
    distance = ColumnTransformer([("distance", StandardScaler(), [COLUMNS.index("distance")])])
    return Pipeline([("columns", distance), ("line", LogisticRegression())]).fit(features(table), labels(table))

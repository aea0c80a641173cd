"""scikit-learn estimators, kept as skops files: no pickle, and only types of an allow-list are built at load.

The estimator gets a matrix of the contract's columns in their order: float64 when all are numbers, else objects, in
which a missing number is NaN. It never sees a data frame, so serving needs no pandas.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from modelwright.core.errors import Corrupted, Invalid
from modelwright.core.schema import Contract, DType
from modelwright.models.flavours.base import Predictor
from modelwright.models.model import Task
from modelwright.store.estimators import TRUSTED, dumped, loaded

if TYPE_CHECKING:  # weight: numpy, 0.1 s
    from numpy.typing import NDArray

    from modelwright.models.flavours.base import Columns

FILE = "model.skops"


class SklearnFlavour:
    """scikit-learn; fulfils ``Flavour``."""

    def handles(self, model: object) -> bool:
        """Whether it is an estimator."""
        loaded = sys.modules.get("sklearn.base")
        return loaded is not None and isinstance(model, loaded.BaseEstimator)

    def task(self, model: object) -> Task:
        """Binary for a classifier of two classes 0 and 1, else regression."""
        classes = getattr(model, "classes_", None)
        if classes is None:
            return Task.REGRESSION
        if list(classes) != [0, 1] or not hasattr(model, "predict_proba"):
            raise Invalid(
                f"The classifier has the classes {list(classes)[:10]}; one with the classes 0 and 1 is needed.",
                remedy="Train on labels 0 and 1, with an estimator that has predict_proba.",
            )
        return Task.BINARY

    def save(self, model: object, inputs: Contract) -> dict[str, bytes]:
        """The estimator as one skops file, after checking that it can be loaded again."""
        return {FILE: dumped(model)}

    def mlmodel(self, model: object) -> dict[str, Any]:
        """The sections that MLflow's scikit-learn flavour reads."""
        import sklearn

        return {
            "python_function": {
                "loader_module": "mlflow.sklearn",
                "model_path": FILE,
                "predict_fn": "predict_proba" if self.task(model) is Task.BINARY else "predict",
                "env": {"virtualenv": "python_env.yaml"},
                "python_version": sys.version.split()[0],
            },
            "sklearn": {
                "code": None,
                "pickled_model": FILE,
                "serialization_format": "skops",
                "skops_trusted_types": sorted(TRUSTED),
                "sklearn_version": sklearn.__version__,
            },
        }

    def load(self, files: Mapping[str, bytes], inputs: Contract, task: Task) -> Predictor:
        """The estimator's ``predict_proba`` of 1, or its ``predict``."""
        data = files.get(FILE)
        if data is None:
            raise Corrupted(f"The package has no {FILE}.")
        model = loaded(data, FILE)
        if task is Task.BINARY:
            return lambda columns: model.predict_proba(matrix(inputs, columns))[:, 1]
        return lambda columns: model.predict(matrix(inputs, columns)).astype("float64")


def matrix(inputs: Contract, columns: Columns) -> NDArray[Any]:
    """The contract's columns side by side ``(n_rows, n_columns)``, in its order."""
    import numpy as np

    numeric = all(column.dtype in (DType.FLOAT64, DType.INT64, DType.BOOL) for column in inputs.columns)
    first = columns[inputs.columns[0].name]
    values = np.empty((len(first), len(inputs.columns)), dtype=np.float64 if numeric else object)
    for position, column in enumerate(inputs.columns):
        values[:, position] = columns[column.name]
    return values


variant = SklearnFlavour()

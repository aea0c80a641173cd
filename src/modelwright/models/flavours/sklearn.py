"""scikit-learn estimators, kept as skops files: no pickle, and only types of an allow-list are built at load.

The estimator gets a matrix of the contract's columns in their order: float64 when all are numbers, else objects, in
which a missing number is NaN. It never sees a data frame, so serving needs no pandas.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from modelwright.core.errors import Corrupted, Invalid, Refused
from modelwright.core.schema import Contract, DType
from modelwright.models.flavours.base import Predictor
from modelwright.models.model import Task

if TYPE_CHECKING:  # weight: numpy, 0.1 s
    from numpy.typing import NDArray

    from modelwright.models.flavours.base import Columns

FILE = "model.skops"

TRUSTED = frozenset(
    {
        "numpy.dtype",
        "sklearn._loss.link.IdentityLink",
        "sklearn._loss.link.Interval",
        "sklearn._loss.link.LogLink",
        "sklearn._loss.link.LogitLink",
        "sklearn._loss.loss.AbsoluteError",
        "sklearn._loss.loss.HalfBinomialLoss",
        "sklearn._loss.loss.HalfPoissonLoss",
        "sklearn._loss.loss.HalfSquaredError",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.compose._column_transformer._RemainderColsList",
        "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.metrics._dist_metrics.EuclideanDistance64",
        "sklearn.neighbors._kd_tree.KDTree",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
        "sklearn.tree._tree.Tree",
        "sklearn.utils._bunch.Bunch",
    }
)
"""Types beyond skops' own list that fitted estimators hold: numbers, arrays and other estimators, and no functions.

A tree walks its nodes without looking where they point, so bytes that somebody else wrote could make it read beyond
them. That is why nothing is loaded before the home's signature over the bytes has been verified.
"""


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
        from skops.io import dumps

        data: bytes = dumps(model)
        _check_types(data)
        return {FILE: data}

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
        from skops.io import loads

        data = files.get(FILE)
        if data is None:
            raise Corrupted(f"The package has no {FILE}.")
        _check_types(data)
        model = loads(data, trusted=sorted(TRUSTED))
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


def _check_types(data: bytes) -> None:
    from skops.io import get_untrusted_types

    try:
        unknown = sorted(set(get_untrusted_types(data=data)) - TRUSTED)
    except Exception as error:  # skops lets zipfile's, json's and its own errors through
        raise Corrupted(f"{FILE} is not a skops file: {type(error).__name__}: {error}.") from error
    if unknown:
        raise Refused(
            f"The model holds types that are not on the allow-list: {', '.join(unknown[:5])}.",
            remedy="Use scikit-learn's own transformers and losses, without functions of your own.",
        )


variant = SklearnFlavour()

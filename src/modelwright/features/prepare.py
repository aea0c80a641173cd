"""What stands between vectors and an estimator: scikit-learn's imputers and encoders, declared by feature name.

They are fitted with the training set as the first step of the pipeline that ``save_model`` keeps, so what was learned
of the past travels with the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from modelwright.core.errors import Invalid
from modelwright.features.model import ViewVersion

if TYPE_CHECKING:  # weight: scikit-learn, 1 s
    from sklearn.compose import ColumnTransformer

Strategy = Literal["mean", "median"]


class Impute(Struct, frozen=True, kw_only=True):
    """Fill missing numbers: scikit-learn's ``SimpleImputer``.

    Attributes:
        columns: The features.
        strategy: What of the training set's values to fill them with.
    """

    columns: tuple[str, ...]
    strategy: Strategy


class Encode(Struct, frozen=True, kw_only=True):
    """Turn texts into numbers: scikit-learn's ``OrdinalEncoder``, or ``OneHotEncoder``.

    Attributes:
        columns: The features.
        one_hot: Whether each value becomes a column of its own.
    """

    columns: tuple[str, ...]
    one_hot: bool = False


def impute(*columns: str, strategy: Strategy = "mean") -> Impute:
    """Fill missing numbers of these features with what the training set had; of no value at all, with 0."""
    return Impute(columns=columns, strategy=strategy)


def encode(*columns: str, one_hot: bool = False) -> Encode:
    """Turn these texts into numbers; one that the training set did not have counts as missing (all zero if one-hot)."""
    return Encode(columns=columns, one_hot=one_hot)


def transformer(view: ViewVersion, steps: Sequence[Impute | Encode]) -> ColumnTransformer:
    """An unfitted ``ColumnTransformer`` over a view's vectors; features that no step names pass as they are.

    Args:
        view: The view's version, ``training.view``.
        steps: What to do with which features, each at most once.

    Raises:
        Invalid: A step names a feature that the view has not, or one that another step has.
    """
    from sklearn.compose import ColumnTransformer  # weight: scikit-learn, 1 s

    places = {column.name: place for place, column in enumerate(view.columns)}
    named = [name for step in steps for name in step.columns]
    for name in named:
        if name not in places or named.count(name) > 1:
            problem = "is named twice" if name in places else "is no feature of it"
            raise Invalid(f"{name} {problem}: {view.ref}.", remedy=f"There are: {', '.join(places)}.")
    chosen = [
        (f"{type(step).__name__.lower()}{number}", _estimator(step), [places[name] for name in step.columns])
        for number, step in enumerate(steps)
    ]
    return ColumnTransformer(chosen, remainder="passthrough")


def _estimator(step: Impute | Encode) -> Any:
    import numpy as np  # weight: with scikit-learn, 1 s
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

    if isinstance(step, Impute):
        return SimpleImputer(strategy=step.strategy, keep_empty_features=True)
    if step.one_hot:
        return OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)

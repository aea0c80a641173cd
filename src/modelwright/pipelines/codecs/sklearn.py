"""Fitted scikit-learn estimators, as skops files without pickle."""

from __future__ import annotations

import sys
from typing import Any

from modelwright.store.estimators import dumped, loaded


class SklearnCodec:
    """Estimators whose types are on the allow-list; fulfils ``Codec``."""

    def handles(self, value: object) -> bool:
        """Whether it is an estimator."""
        base = sys.modules.get("sklearn.base")
        return base is not None and isinstance(value, base.BaseEstimator)

    def encode(self, value: Any) -> bytes:
        """The skops file."""
        return dumped(value)

    def decode(self, data: bytes) -> Any:
        """The estimator."""
        return loaded(data, "A step's result")

    def words(self, value: Any) -> str:
        """Its class."""
        return type(value).__name__


variant = SklearnCodec()

"""What a model relies on: explanations of a prediction function, without knowing what is behind it.

``methods/`` is a shelf: one file per explainer, the file's name is its registered name, and each keeps the law of
``Explainer``.
"""

from modelwright.explain.base import EXPLAINERS, Explainer, Predict

__all__ = ["EXPLAINERS", "Explainer", "Predict"]

"""Features: declared once, computed for history and for the moment alike.

A view lists features; a training set is the view asked of the past, an online vector the view asked now. Both look into
the same lines: per key, the moments at which values change, and the values from then on. So a training set never sees
what was not known when its question was asked, and what is served is what was trained on.

- ``define.py``: the words, ``from modelwright import features as f``
- ``model.py``: sources, features, labels, views and their versions
- ``resolve.py``: a view against its datasets: types, and what a question must bring
- ``functions.py``: Python functions as features; expressions are ``store.formula``
- ``lines.py``, ``training.py``: facts to lines, questions to training sets, by DuckDB
- ``store.py``, ``vectors.py``: lines in the online store, and vectors out of it
- ``prepare.py``: imputers and encoders, fitted with the training set and kept in the model
- ``repository.py``, ``service.py``, ``sdk.py``: rows, use cases, verbs for scripts
"""

from modelwright.features.define import context, label, on_demand, row, source, view
from modelwright.features.prepare import encode, impute, transformer

__all__ = ["context", "encode", "impute", "label", "on_demand", "row", "source", "transformer", "view"]

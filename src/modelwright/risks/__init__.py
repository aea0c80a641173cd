"""What can go wrong with a model: situations of its inputs, how often they were met, and what is done about them.

- ``model.py``: risks, registers, what people judged of them, and what was counted
- ``predicates.py``: a situation over many rows at once, with three-valued logic
- ``counting.py``: how often situations were met on held-out rows, and the KPI in them
- ``guarding.py``: what an endpoint does with a row in a situation
- ``watching.py``: whether live traffic is in a situation more often than held-out rows were
- ``repository.py``, ``service.py``, ``sdk.py``: rows, use cases, verbs for scripts

A situation is a predicate over the columns that the model takes. Where a value is missing it is UNKNOWN: neither met
nor not, counted apart, and guarded as if it were met.
"""

"""What is taken for granted before a model exists: what data were judged to be, and whether it is worth making.

- ``model.py``: assumptions, decisions on feasibility, and when they are out of date
- ``assumptions.py``: record what was assumed about data, supersede it, withdraw it, list it
- ``feasibility.py``: decide go, stop or no machine learning
- ``standing.py``: what a stop means for registering and releasing versions
- ``repository.py``: rows

Nothing here is ever updated: what somebody said later is another version, or another decision.
"""

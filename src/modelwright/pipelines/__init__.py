"""Pipelines: plain functions as steps of a graph, run once, remembered by content, and resumed where they stopped.

- ``model.py``, ``triggers.py``: the nouns, and when a pipeline starts by itself
- ``define.py``, ``tracing.py``: ``@step`` and ``@pipeline``, and how a function's body becomes a graph
- ``keys.py``, ``values.py``, ``codecs/``: what a step's result depends on, and how results are kept without pickle
- ``execution.py``, ``reporting.py``, ``executors/``: carrying a graph out, wherever that happens
- ``repository.py``, ``service.py``, ``carrying.py``: the rows and the use cases, those of people and those of workers
"""

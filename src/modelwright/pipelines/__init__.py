"""Pipelines: plain functions as steps of a graph, their executions, and when they start by themselves.

- ``model.py``, ``triggers.py``: the nouns, and when a trigger starts something
- ``define.py``, ``tracing.py``: ``@step`` and ``@pipeline``, and how a function's body becomes a graph
- ``values.py``, ``codecs/``: how results are kept, without pickle
- ``repository.py``, ``service.py``, ``executing.py``: the rows, the use cases of people, and those of whoever carries
  executions out, which the room ``execution`` does
"""

"""Carrying pipelines out: the graph of an execution, walked step by step, wherever that happens.

- ``running.py``, ``conductor.py``: an execution from its claim to its end: what is known is taken, what is new is run
- ``keys.py``: what a step's result depends on
- ``reporter.py``, ``log.py``: telling the home how it goes, under a lease
- ``executors/``, ``stepper.py``: in this process, or in processes of their own
"""

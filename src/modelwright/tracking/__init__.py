"""Runs: what was tried, with what, and what came of it.

A run holds parameters, tags, metric histories, artifacts, the dataset versions it read, its cost, and a capture of the
code and environment it ran in. Rows live in the control database; metric histories in the telemetry database.
"""

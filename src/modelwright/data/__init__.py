"""Datasets: immutable versions of tables, what they hold, what they promise, and how two of them differ.

A version is a list of Parquet parts, each named by its SHA-256, with a contract, a profile and a digest over all of it.
Nothing is ever changed in place: new rows are a new version, and parts that are the same bytes are stored once.

- ``model.py``: the nouns, frozen, with their pure rules
- ``ingest.py``, ``parts.py``: a source becomes an Arrow table, a table becomes parts; on the user's side
- ``schema.py``, ``contract.py``, ``profile.py``, ``diff.py``, ``query.py``: named verbs
- ``repository.py``: this room's rows
- ``service.py``: the use cases, each an ``@operation``
- ``sdk.py``: ``ws.data.add``, ``table`` and ``export``, composed of operations
"""

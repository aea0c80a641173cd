"""Endpoints: which version answers, where, and the processes that do.

``model`` has the nouns, ``publication`` carries the signed route table to the inference workers, ``runtime`` is what
runs inside them: no database, no pandas, no secrets.
"""

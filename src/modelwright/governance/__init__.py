"""What must hold before production relies on a model, and the evidence that it does.

- ``charter.py``, ``model.py``: charters (what a model is for), policies (what must hold), evidence (what was found)
- ``policy.py``: conditions (``core.expressions``), and the files in which people write them (``core.written``)
- ``gates/``: a shelf, one file per check; ``tiers/``: the policies that come with the release
- ``matching.py``, ``decide.py``: which evidence counts, and the guard that every transition asks
- ``evaluation.py``: numbers from the server's own labels and the caller's scores
- ``repository.py``, ``service.py``, ``sdk.py``: rows, use cases, verbs for scripts

The server decides: a caller sends a model's scores and nothing that follows from them. Evidence is about the very
bytes of a package, a dataset version and a charter. What is missing, stale or about other bytes is UNKNOWN, and
UNKNOWN never passes.
"""

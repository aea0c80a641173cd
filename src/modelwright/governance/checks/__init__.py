"""What is found about a version beside its evaluation, and how.

- ``model.py``: what was found: rivals, groups, size, latency, robustness, checks of one's own, documents
- ``computing.py``, ``quantiles.py``, ``apart.py``: numbers from labels, scores and times that were sent; pure
- ``own.py``, ``found.py``: checks of one's own as gates; ``absence.py``: why there is no evidence that counts
- ``relying.py``: what an alias or endpoint relies on now
- ``making.py``, ``remade.py``: what versions were made of, and by whom; two of them side by side
- ``service.py``, ``sdk.py``: use cases, verbs for scripts

The server computes from what callers send: scores, times. A check of one's own runs where the caller is, never on the
server, and its values are kept as they came, under the digest of its source.
"""

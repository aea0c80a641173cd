"""Generated documents that cannot lie: each statement is computed, attested or missing, and says so.

- ``packs/``, ``packing.py``: what a document asks, as versioned data
- ``compose.py``: documents from facts and from what people attested; what an attestation may say
- ``formats/``: Markdown, HTML, PDF
- ``model.py``, ``repository.py``, ``service.py``, ``sdk.py``: nouns, rows, use cases, verbs for scripts

No clock is asked: a document is of the moment of the newest record that it rests on, so the same record gives the same
bytes. What is kept when production comes to rely on a version is read later as it was.
"""

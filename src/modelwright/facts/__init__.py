"""What is on record about a model version, as statements that are computed, attested or missing.

- ``model.py``: statements, and the law that words hold no figure of their own
- ``record.py``, ``gather.py``: everything on record about a version, read through the doors of other rooms
- ``saying.py``: how statements are made
- ``purpose.py``, ``making.py``, ``data.py``, ``quality.py``, ``checks.py``, ``use.py``, ``changes.py``: facts
- ``table.py``: facts by name

A fact that is not on record is answered as MISSING, with what to do. ``documents`` puts facts under headings.
"""

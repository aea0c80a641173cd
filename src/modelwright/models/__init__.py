"""The registry: immutable model versions, the packages that hold their bytes, and the aliases that move between them.

This is the pattern room; the others have the same doors:

- ``model.py``: the nouns, frozen, with their pure rules
- ``package.py``, ``flavours/``: named verbs and a shelf
- ``repository.py``: this room's rows
- ``service.py``: the use cases, each an ``@operation``; the only door for other rooms and for faces
- ``sdk.py``: verbs for scripts and notebooks that take objects and frames, composed of operations
"""

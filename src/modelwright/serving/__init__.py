"""Endpoints: which version answers, where, and the processes that do.

``model`` has the nouns, ``publication`` carries the signed route table to the inference workers. What runs inside them
is in the room ``inference``.
"""

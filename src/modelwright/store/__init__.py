"""Where bytes and rows rest: five narrow ports and their adapters, and the keys that sign.

Rooms write against ``ports``; ``app`` chooses adapters. A port's law stands in its docstring and in its contract test,
which every adapter runs.
"""

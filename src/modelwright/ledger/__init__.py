"""The ledger: every change of state as one entry of a hash chain that nobody can alter unseen.

``append`` is the last statement of each unit of work; ``verify`` names the first entry that is not what was recorded.
"""

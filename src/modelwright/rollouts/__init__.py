"""Rollouts: a challenger in the shadow of what an endpoint answers with, judged by terms that are set beforehand.

- ``model``: the nouns; ``rule``: when a challenger is promoted or refused, as pure functions.
- ``comparison``: from rows of the prediction log to what the rule reads.
- ``service``: start, judge, stop; ``conclusion``: how a rollout ends, whoever ends it.
"""

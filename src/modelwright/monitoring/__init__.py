"""Monitors: whether what an endpoint is asked, answers and gets right is still what its version was evaluated on.

Everything happens on event time, by the endpoint's watermark, so that a replayed year is watched like a live one. A
period is judged once its end has passed: its inputs and outputs at once, its labels when they have matured. Thresholds
come from the reference alone, the rows that the version was evaluated on, and its ordinary days.

- ``model``: settings, what was found, alerts. ``cadence``: periods.
- ``reference``: the reference as data, ``norm``: what is learnt from it once and kept.
- ``profiles``: hours of the log as histograms; ``inputs`` and ``outcomes``: one period judged; ``locate``: where an
  alarm is worst; ``folding``: findings to alerts; ``judging``: the periods that are due, in order.
- ``showing``: trends, columns and verdicts for people.
"""

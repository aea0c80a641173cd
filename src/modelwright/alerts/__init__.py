"""Alerts: one for as long as a thing lasts, told once, until somebody has seen to it or it is over.

Who finds things, e.g. ``monitoring``, hands what each period showed to the ``inbox``, and writes its changes in its own
transaction.
"""

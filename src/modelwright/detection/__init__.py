"""When a stream of days is no longer ordinary: evidence against "nothing has changed", gathered day by day.

- ``ordinary``: how statistics move from day to day when nothing is wrong, learnt from reference days alone.
- ``sequential``: evidence that adds up over days and keeps a budget of false alarms.
- ``watched``: which statistics of a column are watched.
"""

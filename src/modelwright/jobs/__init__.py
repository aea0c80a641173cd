"""What happens by itself: the job worker and its jobs, each under a lease, taken up where another left off.

- ``worker``: the process that does them in turns; ``leasing``: its rights to.
- ``reactor``: makes the calls that reactions have written down (``app.reactions``).
- ``materializer``: keeps the online store up with new dataset versions.
- ``monitors``, ``rollouts``: judge what is due.
- ``courier``: tells people what happened.
- ``launcher``: starts executions of pipelines; ``execution``: the process that each becomes.
"""

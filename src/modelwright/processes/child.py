"""How the supervisor starts a process: ``python -m modelwright.processes.child LIFELINE MODULE ARGUMENT…``.

The lifeline is the reading end of a pipe whose only writing end the supervisor holds. However the supervisor ends,
``kill -9`` included, the pipe ends with it, and this process ends itself. It knows nothing of the module it runs, and
the module nothing of it.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time

GRACE_SECONDS = 10.0


def main() -> None:
    """Watch the lifeline and become the module."""
    lifeline, module, *arguments = sys.argv[1:]
    threading.Thread(target=_watch, args=(int(lifeline),), name="lifeline", daemon=True).start()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _watch(lifeline: int) -> None:
    os.read(lifeline, 1)  # nobody writes: it returns when the supervisor is gone
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main()

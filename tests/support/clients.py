"""The environment of foreign clients, made once; and scripts run in it."""

import fcntl
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".venv-protocol"
PROTOCOL = ROOT / "tests" / "protocol"
REQUIREMENTS = PROTOCOL / "requirements.txt"


class NoEnvironment(Exception):
    """The clients cannot be installed here; it says why."""


def python() -> Path:
    """The interpreter beside which the clients are installed.

    The environment is made on the first call, and again when the requirements or the interpreter have changed. Two
    callers wait for each other.

    Raises:
        NoEnvironment: It cannot be made.
    """
    found, ready = FOLDER / "bin" / "python", FOLDER / "ready"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()
    try:
        with (ROOT / ".venv-protocol.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not ready.exists() or ready.read_text() != wanted:
                ready.unlink(missing_ok=True)
                _run(sys.executable, "-m", "venv", "--clear", FOLDER)
                _run(found, "-m", "pip", "install", *_QUICK_TO_GIVE_UP, "--requirement", REQUIREMENTS)
                ready.write_text(wanted)
    except OSError as error:
        raise NoEnvironment(str(error)) from error
    return found


_QUICK_TO_GIVE_UP = ("--quiet", "--disable-pip-version-check", "--only-binary=:all:", "--retries=1", "--timeout=20")


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        said = [line for line in done.stdout.splitlines() if line.startswith("ERROR")] or done.stdout.splitlines()
        raise NoEnvironment(said[-1] if said else f"{command[0]} ended with {done.returncode}")


def answer(script: str, *arguments: str | Path) -> Any:
    """What a script of ``tests/protocol/clients`` prints as JSON."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [python(), PROTOCOL / "clients" / script, *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**environment, "PYTHONDONTWRITEBYTECODE": "1", "NO_PROXY": "*"},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])

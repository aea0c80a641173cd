"""Shells complete commands and options: the real ones are asked."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.commands import command

ASKED = {
    "mod": {"model"},
    "model ": {"list", "show", "evaluate", "alias", "gate", "decisions"},
    "endpoint cha": {"challenge"},
    "model list --li": {"--limit"},
    "compl": {"completion"},
}
BASH = """
source "$1"
COMP_WORDS=(modelwright $2); [[ "$2" == *" " ]] && COMP_WORDS+=("")
COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
_modelwright_completion modelwright
printf '%s\\n' "${COMPREPLY[@]}"
"""
ZSH = """
compdef() { :; }
_arguments() { print -r -- "$1" }
source "$1"
words=(modelwright ${=2}); [[ "$2" == *" " ]] && words+=("")
CURRENT=${#words}
_modelwright_completion
"""
FISH = 'source "$argv[1]"; complete --do-complete "modelwright $argv[2]"'
SHELLS = {"bash": ["bash", "-c", BASH, "bash"], "zsh": ["zsh", "-fc", ZSH, "zsh"], "fish": ["fish", "-c", FISH]}

OFFERED = {"bash": r"^(\S+)$", "zsh": r'"([a-z-]+)":"', "fish": r"^(\S+)\t"}
"""How each shows what it offers."""


@pytest.fixture
def environment(tmp_path):
    """A home directory of its own, and the program of this environment on the path."""
    program = tmp_path / "bin" / "modelwright"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m modelwright "$@"\n')
    program.chmod(0o755)
    source = str(Path(__file__).parents[3] / "src")
    return {"HOME": str(tmp_path), "PATH": f"{program.parent}:{os.environ['PATH']}", "PYTHONPATH": source}


@pytest.mark.parametrize("words", ASKED)
@pytest.mark.parametrize("shell", SHELLS)
def test_a_real_shell_completes(shell, words, tmp_path, environment):
    if shutil.which(shell) is None:
        pytest.skip(f"There is no {shell} here.")
    script = tmp_path / "script"
    script.write_text(command("completion", shell).out)
    done = subprocess.run([*SHELLS[shell], script, words], env=environment, capture_output=True, text=True, check=True)
    found = set(re.findall(OFFERED[shell], done.stdout, re.MULTILINE))
    assert found >= ASKED[words], done.stderr
    assert not any(word.startswith("user") for word in found)


@pytest.mark.parametrize("shell", SHELLS)
def test_it_is_installed_where_the_shell_looks(shell, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    done = command("completion", shell, "--install")
    place = Path(re.fullmatch(r"Written to (.+)\. Open a new terminal\.\n", done.out)[1])
    assert place.is_relative_to(tmp_path)
    assert place.read_text().strip() == command("completion", shell).out.strip()
    assert command("completion", shell, "--install").code == 0  # once more changes nothing
    settings = tmp_path / {"bash": ".bashrc", "zsh": ".zshrc", "fish": ".config"}[shell]
    assert settings.exists()
    if settings.is_file():
        lines = [line for line in settings.read_text().splitlines() if line]
        assert len(lines) == len(set(lines))


def test_another_shell_is_said_to_be_none():
    done = command("completion", "tcsh")
    assert done.code == 2
    assert "bash" in done.err


def test_completing_loads_nothing_heavy(environment):
    asked = {
        **environment,
        "_MODELWRIGHT_COMPLETE": "complete_bash",
        "COMP_WORDS": "modelwright model ",
        "COMP_CWORD": "2",
    }
    code = "import sys, atexit; atexit.register(lambda: print(*sys.modules, file=sys.stderr)); from modelwright.cli.main import main; main([])"
    done = subprocess.run([sys.executable, "-c", code], env=asked, capture_output=True, text=True, check=False)
    assert "evaluate" in done.stdout.split()
    assert {"numpy", "sqlalchemy", "pyarrow", "httpx"}.isdisjoint(done.stderr.split())

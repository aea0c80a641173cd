"""Documentation pages that are carried out as a reader would, in order.

- ``sh`` blocks are typed; ``exits 3`` behind the word says with which code. ``cd`` and what is exported of
  ``MODELWRIGHT_…`` hold for the blocks after it.
- ``sh in another terminal`` starts ``modelwright up`` there, on free ports, until the page is over.
- ``python`` blocks are run as scripts; one that begins with ``# name.py`` is written to that file, as are others.
- ``text`` is what the block before it printed: its lines come in this order; ``…`` is anything.
"""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import modelwright

_FENCE = re.compile(r"^```(?P<language>[a-z]+)(?P<more>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"\A# (?P<name>[\w./-]+\.(?:py|yaml|toml))\n")


class Block(NamedTuple):
    """One fenced block of a page."""

    place: str
    language: str
    more: str
    text: str


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page, in order."""
    words = page.read_text()
    for found in _FENCE.finditer(words):
        line = words[: found.start()].count("\n") + 1
        yield Block(f"{page.name}:{line}", found["language"], found["more"].strip(), found["text"])


class Reader:
    """Somebody who types what a page says; ``close`` ends what was started.

    Args:
        folder: Where they begin.
        tools: A folder for the commands they have.
        stands_for: What a page writes -> what they write in its place, for what is another at every reader's.
    """

    def __init__(self, folder: Path, tools: Path, stands_for: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self._stands_for = stands_for or {}
        self._tools = tools
        self._said = ""
        self._house: subprocess.Popen[str] | None = None
        for name, module in (("python", ""), ("modelwright", "-m modelwright ")):
            command = tools / name
            command.write_text(f'#!/bin/sh\nexec "{sys.executable}" {module}"$@"\n')
            command.chmod(0o755)
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("MODELWRIGHT_", "PYTEST_"))},
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(Path(modelwright.__file__).parents[1]),
            "NO_COLOR": "1",
        }

    def close(self) -> None:
        if self._house is not None:
            self._house.terminate()
            self._house.wait(30)
            self._house.stdout.close()

    def read(self, page: Path) -> None:
        """Carry out a whole page."""
        for block in blocks(page):
            text = block.text
            for written, meant in self._stands_for.items():
                text = text.replace(written, meant)
            self._carry_out(block._replace(text=text))

    def _carry_out(self, block: Block) -> None:
        named = _FILE.match(block.text)
        if named and block.language != "sh":
            file = self.folder / named["name"]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text[named.end() :])
        elif block.language == "text":
            self._compare(block)
        elif block.language == "sh" and block.more == "in another terminal":
            self._start(block)
        elif block.language == "sh":
            left = f'pwd > "{self._tools}/where"; env -0 > "{self._tools}/environment"'
            self._type(block, ["bash", "-euo", "pipefail", "-c", f"{block.text}\n{left}"])
            if not block.more:
                self.folder = Path((self._tools / "where").read_text().strip())
                found = (line.partition("=") for line in (self._tools / "environment").read_text().split("\0"))
                exported = {name: value for name, _, value in found if name.startswith("MODELWRIGHT_")}
                self._environment.update(exported)
        elif block.language == "python":
            self._type(block, [sys.executable, "-c", block.text])

    def _type(self, block: Block, command: list[str]) -> None:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        self._said = done.stdout
        expected = int(block.more.removeprefix("exits ") or 0)
        assert done.returncode == expected, f"{block.place} ended with {done.returncode}:\n{block.text}\n{self._said}"

    def _start(self, block: Block) -> None:
        command = [*block.text.split(), "--port", "0", "--serve-port", "0"]
        self._house = subprocess.Popen(
            command,
            cwd=self.folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        watchdog = threading.Timer(120, self._house.kill)
        watchdog.start()
        self._said = self._house.stdout.readline()
        watchdog.cancel()
        assert self._said.startswith("ready"), f"{block.place} did not start"

    def _compare(self, block: Block) -> None:
        left = [" ".join(line.split()) for line in self._said.splitlines()]
        for line in filter(None, (" ".join(line.split()) for line in block.text.splitlines())):
            wanted = re.compile(".*".join(re.escape(part) for part in line.split("…")))
            found = next((place for place, said in enumerate(left) if wanted.fullmatch(said)), None)
            assert found is not None, f"{block.place} shows what was not said:\n{line}\nSaid was:\n{self._said}"
            left = left[found + 1 :]

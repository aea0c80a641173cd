"""Help lists every command with a whole sentence, and remedies name commands that exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

import modelwright
from modelwright.cli.main import app
from support.commands import command

ROOT = typer.main.get_command(app)
SOURCE = Path(modelwright.__file__).parent


def commands(group=ROOT, path=()) -> Iterator[tuple[tuple[str, ...], object]]:
    for name, found in group.commands.items():
        yield (*path, name), found
        if hasattr(found, "commands"):
            yield from commands(found, (*path, name))


EVERY = dict(commands())
GROUPS = [(), *(path for path, found in EVERY.items() if hasattr(found, "commands"))]


@pytest.mark.parametrize("path", GROUPS, ids=" ".join)
def test_help_lists_every_command_with_a_whole_sentence(path):
    for words in ([*path, "--help"], [*path, "-h"]):
        done = command(*words)
        assert (done.code, done.err) == (0, "")
        listed = dict(line.split(None, 1) for line in done.out.partition("Commands:\n")[2].splitlines())
        assert set(listed) == {each[-1] for each in EVERY if each[:-1] == path}
        for sentence in listed.values():
            assert re.fullmatch(r"[A-Z].*[^.]\.", sentence), sentence


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_every_command_and_option_is_explained(path):
    done = command(*path, "--help")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"Usage: modelwright {' '.join(path)} ")
    unexplained = [
        option.name for option in EVERY[path].params if option.param_type_name == "option" and not option.help
    ]
    assert unexplained == []


def test_a_noun_alone_shows_its_commands():
    for words in ([], ["data"]):
        done = command(*words)
        assert (done.code, done.out) == (2, "")
        assert done.err == command(*words, "--help").out


NAMED = re.compile(r"modelwright (?!as\b|import\b)(?:--home \S+ )?([a-z]+)(?: ([a-z]+))?")


def test_a_command_to_copy_exists():
    sources = [path for kind in ("*.py", "*.html", "*.txt") for path in SOURCE.rglob(kind)]
    for line in (line for path in sources for line in path.read_text().splitlines()):
        if re.search(r"(import|from) modelwright|Upgrade|fulfils", line):
            continue
        for noun, verb in NAMED.findall(line):
            assert (noun,) in EVERY, line
            if (noun,) in GROUPS and verb:
                assert (noun, verb) in EVERY, line


def test_every_command_says_an_operation_or_is_more_than_one():
    more = {
        "init",
        "up",
        "doctor",
        "demo",
        "predict",
        "completion",
        "data export",
        "pipeline register",
        "pipeline run",
        "run compare",
        "run export",
        "prediction export",
        "model check",
        "model evaluate",
        "ledger export",
        "notify channel add",
        "ledger anchor",
        "ledger key",
        "new drift-test",
        "feature get",
        "user password",
        "token create",
    }
    leaves = {" ".join(path) for path, found in EVERY.items() if not hasattr(found, "commands")}
    source = (Path(__file__).parents[2] / "support" / "commands.py").read_text()
    for leaf in leaves - more:
        quoted = ", ".join(f'"{word}"' for word in leaf.split())
        assert f"[{quoted}" in source, leaf

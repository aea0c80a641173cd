"""The documentation is true: what there is has its place, and what is named exists."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import typer

from modelwright.app.services import SERVICES, operation_table
from modelwright.cli.main import app
from modelwright.core.errors import KINDS
from modelwright.core.events import Event
from modelwright.core.settings import SETTINGS
from modelwright.explain import EXPLAINERS
from modelwright.governance.policy import GATES, built_in_tiers
from modelwright.models.package import FLAVOURS
from modelwright.pipelines.values import CODECS
from modelwright.stats.drift import DRIFT_TESTS

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "modelwright"
PAGES = sorted(
    path
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
    if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
)
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
ANY_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))

FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!\\)\]\((?P<target>[^)\s#]*)(?:#(?P<anchor>[^)\s]+))?\)")
COMMAND = re.compile(r"(?<![\w/.-])(?<!import )(?<!from )modelwright((?: [a-z]+(?:-[a-z]+)*)+)")


def headings(page: Path) -> list[str]:
    return re.findall(r"^#+ (.+)$", FENCED.sub("", page.read_text()), re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """How GitHub names a page's headings."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings(page)}


def reference(name: str) -> list[str]:
    return headings(ROOT / "docs" / "reference" / f"{name}.md")


def leaves(command: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, inner in getattr(command, "commands", {}).items():
        yield from leaves(inner, (*path, name)) if hasattr(inner, "commands") else [(*path, name)]


LEAVES = set(leaves(typer.main.get_command(app)))
GROUPS = {path[:place] for path in LEAVES for place in range(len(path))}


def unknown_commands(text: str) -> list[str]:
    """What is written as a command and is none."""
    found = []
    for words in COMMAND.findall(text):
        path = tuple(words.split())
        known = next((path[:size] for size in range(len(path), 0, -1) if path[:size] in LEAVES | GROUPS), ())
        if known not in LEAVES and not (known in GROUPS and known == path and known):
            found.append(f"modelwright{words}")
    return found


def test_what_is_generated_is_as_the_code_says():
    command = [sys.executable, ROOT / "docs" / "generate.py", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("operation", [operation.name for operation in operation_table()])
def test_every_operation_has_its_place(operation):
    assert operation in reference("operations")


def test_every_argument_of_an_operation_says_what_it_means():
    silent = [
        f"{operation.name}: {name}"
        for operation in operation_table()
        for name in operation.signature.parameters
        if not re.search(rf"^\s+{name}: \S", operation.function.__doc__ or "", re.MULTILINE)
    ]
    assert silent == []


@pytest.mark.parametrize("path", sorted(LEAVES), ids=" ".join)
def test_every_command_has_its_place(path):
    assert f"modelwright {' '.join(path)}" in reference("commands")


def test_every_event_kind_has_its_place_and_begins_with_its_room():
    assert all(service.operations() for service in SERVICES)  # so that every room has been imported
    rooms = {
        str(kind.__struct_config__.tag): kind.__module__.split(".")[1]
        for kind in Event.__subclasses__()
        if kind.__module__.startswith("modelwright.")
    }
    assert rooms
    assert set(rooms) <= set(reference("events"))
    assert {kind: kind.partition(".")[0] for kind in rooms} == rooms


def test_every_gate_tier_flavour_and_drift_test_has_its_place():
    assert {*GATES.built_in, *built_in_tiers()} <= set(reference("gates"))
    assert set(reference("flavours")) >= FLAVOURS.built_in
    assert set(reference("drift-tests")) >= DRIFT_TESTS.built_in
    shelves = (ROOT / "CONTRIBUTING.md").read_text()
    for shelf in (GATES, FLAVOURS, EXPLAINERS, DRIFT_TESTS, CODECS):
        assert f"`{shelf.group}`" in shelves
        assert all(f"`{name}`" in shelves for name in shelf.built_in)


def test_every_kind_of_error_and_every_setting_has_its_place():
    said = (ROOT / "docs" / "reference" / "errors.md").read_text()
    assert all(f"| `{kind}` |" in said for kind in KINDS)
    said = (ROOT / "docs" / "reference" / "settings.md").read_text()
    assert all(f"| `{setting.name}` |" in said for setting in SETTINGS)


def test_the_environment_is_read_in_one_place():
    reading = re.compile(r"os\.getenv|os\.environ\.get\(|os\.environ\[|in os\.environ")
    found = [str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.py") if reading.search(path.read_text())]
    assert found == ["core/settings.py"]


@ANY_PAGE
def test_every_relative_link_leads_somewhere(page):
    for link in LINK.finditer(FENCED.sub("", page.read_text())):
        target, anchor = link["target"], link["anchor"]
        if re.match(r"[a-z]+:", target):
            continue
        there = (page.parent / target).resolve() if target else page
        assert there.exists(), f"{target} is not there"
        if anchor and there.suffix == ".md":
            assert anchor in anchors(there), f"{target} has no heading {anchor}"


@ANY_PAGE
def test_every_command_that_a_page_names_exists(page):
    assert unknown_commands(page.read_text()) == []


def test_every_command_that_a_message_names_exists():
    found = {}
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                wrong = unknown_commands(node.value)
                if wrong:
                    found[f"{path.relative_to(SOURCE)}:{node.lineno}"] = wrong
    assert found == {}


def test_decisions_are_numbered_without_gaps_and_dated():
    for number, page in enumerate(DECISIONS, start=1):
        title, _, day, *rest = page.read_text().splitlines()
        assert page.name.startswith(f"{number:04}-")
        assert title.startswith(f"# {number}. ")
        assert date.fromisoformat(day)
        assert any(line.startswith("**Choice.**") for line in rest), page.name


def glossary() -> list[str]:
    rows = (ROOT / "docs" / "glossary.md").read_text().partition("| --- | --- |\n")[2].splitlines()
    return [row[2:].split(" |")[0] for row in rows]


def test_the_glossary_is_in_order_and_each_word_once():
    words = [word.lower() for word in glossary()]
    assert words == sorted(set(words))


def test_every_noun_of_the_faces_and_every_shelf_is_in_the_glossary():
    singular = {"data": "dataset version", "policies": "policy", "emergencies": "emergency"}
    nouns = {singular.get(noun, noun.removesuffix("s")) for noun in operation_table().nouns}
    assert nouns | {shelf.what for shelf in (GATES, FLAVOURS, EXPLAINERS, DRIFT_TESTS, CODECS)} <= set(glossary())


def test_every_word_of_the_glossary_is_used():
    others = [page for page in PAGES if page.name != "glossary.md"]
    text = " ".join(" ".join(path.read_text().lower().split()) for path in [*others, *SOURCE.rglob("*.py")])
    assert [word for word in glossary() if word.lower() not in text] == []

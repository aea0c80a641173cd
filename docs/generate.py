"""Write the reference pages, and the table of shelves in CONTRIBUTING.md, from the code alone.

python docs/generate.py            # what `make docs` does
python docs/generate.py --check    # exit code 1, with the difference, when a file is not what would be written
"""

from __future__ import annotations

import ast
import difflib
import inspect
import os
import pkgutil
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum
from functools import cache
from http import HTTPStatus
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, NamedTuple, TypeVar, get_origin

import msgspec
from msgspec import NODEFAULT, Struct

import modelwright
from modelwright.app.project import Project
from modelwright.app.reactions import REACTIONS
from modelwright.app.services import operation_table
from modelwright.cli.main import EXIT_CODES
from modelwright.cli.main import app as command_line
from modelwright.core.errors import KINDS, Error
from modelwright.core.events import Event
from modelwright.core.operation import Operation
from modelwright.core.registry import Shelf
from modelwright.core.settings import SETTINGS
from modelwright.governance.policy import GATES, KPI_NAMES, built_in_tiers
from modelwright.models.package import FLAVOURS
from modelwright.server.answers import STATUS
from modelwright.stats.drift import DRIFT_TESTS, DriftTest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "modelwright"
WIDTH = "90"
"""Columns of the help pages."""

MADE = "<!-- Made by `make docs` from the code; edit the code. -->"
SHELVES_BEGIN, SHELVES_END = "<!-- shelves -->", "<!-- /shelves -->"


# Docstrings


class Doc(NamedTuple):
    """A Google docstring taken apart: its text, and the entries of its sections."""

    text: str
    sections: dict[str, dict[str, str]]

    @property
    def first(self) -> str:
        """The first paragraph."""
        return self.text.split("\n\n")[0]

    def entries(self, section: str) -> dict[str, str]:
        """Name -> description, of ``Args``, ``Attributes`` or ``Raises``."""
        return self.sections.get(section, {})


def doc_of(thing: object) -> Doc:
    """The docstring of a class, function or module."""
    return parsed(inspect.getdoc(thing) or "")


def parsed(docstring: str) -> Doc:
    """A docstring's text, without its sections, and its sections."""
    head, *rest = re.split(r"^(Args|Attributes|Returns|Raises|Example|Source|Yields):$", docstring, flags=re.MULTILINE)
    sections = {name: _entries(body) for name, body in zip(rest[::2], rest[1::2], strict=True)}
    return Doc(prose(head), sections)


def prose(text: str) -> str:
    """A docstring's words as Markdown: code in single backticks, a paragraph on one line."""
    paragraphs = [" ".join(part.split()) for part in text.replace("``", "`").strip().split("\n\n")]
    return "\n\n".join(paragraphs)


def _entries(body: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in re.split(r"\n(?=    \S)", "\n" + body.rstrip()):
        name, colon, words = entry.strip().partition(": ")
        if colon and re.fullmatch(r"\*{0,2}\w+", name):
            found[name] = prose(words)
        elif entry.strip():
            found[""] = prose(entry)
    return found


@cache
def modules() -> tuple[ModuleType, ...]:
    """Every module of the house."""
    found = pkgutil.walk_packages(modelwright.__path__, "modelwright.")
    names = [each.name for each in found if not each.name.endswith(("__main__", "query_child"))]
    return tuple(import_module(name) for name in names)


def modules_of_the_house() -> Iterator[tuple[Path, ast.Module]]:
    """Every source file and what it says."""
    for path in sorted(SOURCE.rglob("*.py")):
        yield path, ast.parse(path.read_text())


class Alias(NamedTuple):
    """A type that a module gives a name: the text below it, and what it stands for."""

    words: str
    source: str
    module: str


@cache
def _aliases() -> dict[tuple[str, str], Alias]:
    """Every assignment of a module, by module and name."""
    found: dict[tuple[str, str], Alias] = {}
    for path, tree in modules_of_the_house():
        module = ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts)
        for statement, below in zip(tree.body, [*tree.body[1:], ast.Pass()], strict=True):
            said = below.value if isinstance(below, ast.Expr) else None
            words = said.value if isinstance(said, ast.Constant) and isinstance(said.value, str) else ""
            if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
                source = ast.unparse(statement.value).replace("'", '"')
                found[module, statement.targets[0].id] = Alias(prose(words), source, module)
    return found


def alias(name: str, meant: object) -> Alias | None:
    """The alias that is this very value, wherever it stands."""
    assert modules()
    places = (each for (module, known), each in _aliases().items() if known == name and module in sys.modules)
    return next((each for each in places if getattr(sys.modules[each.module], name, None) is meant), None)


# Markdown


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table, or nothing where there are no rows."""
    lines = [f"| {' | '.join(cell or ' ' for cell in row)} |" for row in rows]
    return ["", f"| {' | '.join(columns)} |", f"|{' --- |' * len(columns)}", *lines] if lines else []


def cell(text: str) -> str:
    """Words that may stand in a table."""
    return text.replace("\n\n", "<br>").replace("|", "\\|")


def code(value: object) -> str:
    """A value as code that may stand in a table."""
    return f"`{cell(str(value))}`"


def page(title: str, words: str, lines: Iterable[str]) -> str:
    """A whole page."""
    return "\n".join([MADE, f"# {title}", "", words, *lines]).rstrip() + "\n"


# Types


class Types:
    """The types that pages mention; each is described once, in ``types.md``."""

    def __init__(self) -> None:
        self._found: dict[str, Any] = {}

    def shown(self, annotation: object, module: str) -> str:
        """An annotation as source has it, its types linked."""
        text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
        parts = re.split(r"([A-Za-z_][\w.]*)", text.replace('"', ""))
        return "".join(
            self._named(part, module) if place % 2 else re.sub(r"([\[\]|])", r"\\\1", part)
            for place, part in enumerate(parts)
        )

    def _named(self, name: str, module: str) -> str:
        meant = getattr(sys.modules[module], name, None)
        explained = isinstance(meant, type) and issubclass(meant, Struct | Enum)
        if not explained and (isinstance(meant, type | TypeVar | None) or alias(name, meant) is None):
            return name
        shown = self._title(meant, name if not isinstance(meant, type) else meant.__name__)
        return f"[{shown}](types.md#{shown.lower().replace('.', '')})"

    def _title(self, meant: Any, name: str) -> str:
        """A type's name; where two types share it, the second one's room before it."""
        if self._found.setdefault(name, meant) is meant or not isinstance(meant, type):
            return name
        longer = f"{meant.__module__.split('.')[1]}.{name}"
        return self._title(meant, longer)

    def described(self) -> Iterator[str]:
        """A section for each, and for those that their fields mention."""
        done: dict[str, list[str]] = {}
        while missing := sorted(set(self._found) - set(done)):
            for name in missing:
                done[name] = ["", f"## {name}", "", *self._section(name, self._found[name])]
        for name in sorted(done, key=str.lower):
            yield from done[name]

    def _section(self, name: str, meant: Any) -> Iterator[str]:
        if isinstance(meant, type):
            yield doc_of(meant).text
        if isinstance(meant, type) and issubclass(meant, Enum):
            yield from ("", f"One of {', '.join(code(member.value) for member in meant)}.")
        elif isinstance(meant, type):
            yield from table(("Field", "Type", "Default", "Meaning"), self.fields(meant))
        else:
            found = alias(name, meant)
            assert found  # it was named by one
            source = "" if get_origin(meant) is Annotated else f"It is {self.shown(found.source, found.module)}."
            yield " ".join(filter(None, [found.words, limits(meant), source]))

    def fields(self, kind: type[Struct]) -> Iterator[tuple[str, str, str, str]]:
        """Name, type, default and meaning of each field."""
        said = doc_of(kind).entries("Attributes")
        for field in msgspec.structs.fields(kind):
            home = next(base for base in kind.__mro__ if field.name in inspect.get_annotations(base))
            annotation, more = inspect.get_annotations(home)[field.name], ""
            if annotation.startswith("Annotated["):
                annotation, more = annotation[10:].partition(",")[0], limits(field.type)
            words = " ".join(filter(None, [said.get(field.name, ""), more]))
            yield code(field.encode_name), self.shown(annotation, home.__module__), _default(field), cell(words)


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.default is not NODEFAULT:
        return (
            "may be left out" if field.default is msgspec.UNSET else code(msgspec.json.encode(field.default).decode())
        )
    return "empty" if field.default_factory is not NODEFAULT else ""


def limits(annotated: Any) -> str:
    """What a value must keep to, in a sentence; nothing where nothing is said."""
    said = []
    for meta in getattr(annotated, "__metadata__", ()):
        if isinstance(meta, msgspec.Meta):
            said += [meta.description] if meta.description else []
            said += [f"of the form `{cell(meta.pattern)}`"] if meta.pattern else []
            said += [f"at least {meta.min_length} characters"] if meta.min_length else []
            said += [f"at most {meta.max_length} characters"] if meta.max_length else []
            said += [f"at least {meta.ge:g}"] if meta.ge is not None else []
            said += [f"above {meta.gt:g}"] if meta.gt is not None else []
    return f"It is {', '.join(said)}." if said else ""


# Pages


def operations(types: Types) -> str:
    """Every operation of the table."""
    lines: list[str] = []
    listed = operation_table()
    for noun in listed.nouns:
        lines += ["", f"## {noun}"]
        for operation in listed.noun(noun).values():
            lines += _operation(operation, types)
    words = (
        "An operation is declared once. From it come the REST route `POST /api/v1/<name>`, the method `ws.<name>` of "
        "Python, and this page. The body of a request is a JSON object of the arguments; unknown ones are refused. "
        "Types are in [types](types.md), errors in [errors](errors.md)."
    )
    return page("Operations", words, lines)


def _operation(operation: Operation, types: Types) -> Iterator[str]:
    said = doc_of(operation.function)
    module, arguments = operation.function.__module__, said.entries("Args")
    kept = "; may be repeated without an idempotency key" if operation.idempotent else ""
    yield from ("", f"### {operation.name}", "", said.text, "")
    yield f"A {operation.kind}{kept}. Permission `{operation.permission}`."
    yield from table(
        ("Argument", "Type", "Default", "Meaning"),
        (
            (
                code(name),
                types.shown(parameter.annotation, module),
                "" if parameter.default is parameter.empty else code(msgspec.json.encode(parameter.default).decode()),
                cell(arguments.get(name, "")),
            )
            for name, parameter in operation.signature.parameters.items()
        ),
    )
    answer = types.shown(inspect.signature(operation.function).return_annotation, module)
    returns = said.entries("Returns").get("", "")
    yield from ("", f"Answers {answer}." + (f" {returns}" if returns else ""))
    yield from table(("Error", "When"), ((code(n), cell(why)) for n, why in said.entries("Raises").items()))


def leaves(command: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of every command, groups left out."""
    import typer  # the command's own

    command = command or typer.main.get_command(command_line)
    for name, inner in getattr(command, "commands", {}).items():
        yield from leaves(inner, (*path, name)) if hasattr(inner, "commands") else [(*path, name)]


def commands(_: Types) -> str:
    """The help of every command."""
    lines: list[str] = []
    for path in ((), *leaves()):
        lines += ["", f"## modelwright {' '.join(path)}".rstrip(), "", "```text", *_help(path), "```"]
    words = (
        "What `--help` says. `--json` prints what the API would answer. Exit codes are in [errors](errors.md), "
        "environment variables in [settings](settings.md)."
    )
    return page("Commands", words, lines)


def _help(path: Sequence[str]) -> list[str]:
    from typer.testing import CliRunner  # no command of its own

    os.environ.update({"COLUMNS": WIDTH, "NO_COLOR": "1", "TERM": "dumb"})
    told = CliRunner().invoke(command_line, [*path, "--help"], prog_name="modelwright")
    return [line.rstrip() for line in told.output.strip().splitlines()]


def gates(_: Types) -> str:
    """Every gate that comes with the release, and the tiers that ask for them."""
    lines: list[str] = []
    for name in sorted(GATES.built_in):
        gate, said = GATES.get(name), doc_of(type(GATES.get(name)))
        lines += ["", f"## {name}", "", said.text.replace("; fulfils `Gate`", ""), ""]
        lines += [f"- Reads the evidence: {', '.join(code(kind) for kind in gate.reads)}"]
        lines += [f"- Passes by default when: {code(gate.passes)}"]
        lines += [f"- A condition may read: {', '.join(code(f'e.{each}') for each in sorted(gate.exposes))}"]
        given = [f"{code(f'p.{each}')} (by default {code(default)})" for each, default in gate.parameters.items()]
        lines += [f"- Parameters: {', '.join(given) or 'none'}"]
    lines += ["", "## Tiers", "", "The policies that come with the release; `extends` names one."]
    for tier in built_in_tiers():
        text = files("modelwright.governance").joinpath("tiers", f"{tier}.yaml").read_text("utf-8")
        lines += ["", f"### {tier}", "", "```yaml", *text.strip().splitlines(), "```"]
    language = doc_of(import_module("modelwright.core.expressions")).text.partition("\n\n")[2]
    lines += ["", "## Conditions", "", language]
    lines += ["", f"Every condition may also read {', '.join(code(f'kpi.{name}') for name in sorted(KPI_NAMES))}."]
    words = (
        "A gate is a condition over evidence. The policy in force for a charter's tier says which gates a transition "
        "must pass. How to: [write a policy](../how-to/write-a-policy.md), [add a gate](../how-to/add-a-gate.md)."
    )
    return page("Gates", words, lines)


def flavours(_: Types) -> str:
    """Every way to keep a model."""
    lines: list[str] = []
    for name in sorted(FLAVOURS.built_in):
        module = import_module(type(FLAVOURS.get(name)).__module__)
        lines += ["", f"## {name}", "", doc_of(module).text, "", f"Its bytes are in `{module.FILE}`."]  # type: ignore[attr-defined]
    words = "A flavour is a way to keep a model as bytes. None of them loads a pickle."
    return page("Flavours", words, lines)


def drift_tests(_: Types) -> str:
    """Every drift test that comes with the release."""
    lines: list[str] = []
    for name in sorted(DRIFT_TESTS.built_in):
        test = DRIFT_TESTS.get(name)
        said = doc_of(type(test))
        lines += ["", f"## {name}", "", said.text.replace("; fulfils `DriftTest`", ""), ""]
        lines += [f"- Suits: {', '.join(sorted(test.suits, reverse=True))}"]
        lines += [f"- At most: {'no bound' if test.highest is None else f'{test.highest:g}'}"]
        lines += [f"- The sides may change places: {'yes' if test.symmetric else 'no'}"]
        lines += [f"- Source: {prose((inspect.getdoc(type(test)) or '').partition('Source:')[2]).rstrip('.')}"]
    law = doc_of(DriftTest).text.replace("Law: it", "It")
    words = (
        "A drift test says how far the rows of now are from those of the reference, one column at a time, from their "
        "histograms alone. How to: [add a drift test](../how-to/add-a-drift-test.md). Why histograms: [decision "
        "16](../decisions/0016-columns-are-profiled-on-reference-quantiles.md)."
    )
    return page("Drift tests", words, ["", "## The law", "", law, *lines])


def event_kinds() -> dict[str, type[Event]]:
    """Kind -> event, of the whole house."""
    assert modules()  # a subclass is known once its module has been imported
    found = (kind for kind in Event.__subclasses__() if kind.__module__.startswith("modelwright."))
    return {
        str(kind.__struct_config__.tag): kind
        for kind in sorted(found, key=lambda kind: str(kind.__struct_config__.tag))
    }


def events(types: Types) -> str:
    """Every kind of ledger entry."""
    lines: list[str] = []
    for tag, kind in event_kinds().items():
        rows = ((name, shown, meaning) for name, shown, _, meaning in types.fields(kind))
        plain = [(name, shown) for name, shown, _ in rows]
        lines += ["", f"## {tag}", "", doc_of(kind).text, *table(("Field", "Type"), plain)]
    envelope = import_module("modelwright.ledger.model").Envelope
    lines += ["", "## The envelope", "", doc_of(envelope).text]
    lines += table(("Field", "Type", "Default", "Meaning"), types.fields(envelope))
    words = (
        "Every change of state is one entry of the ledger: an envelope whose `kind` is one of these and whose `body` "
        "has its fields. A body that has been hashed is never migrated."
    )
    return page("Events", words, lines)


def reactions(_: Types) -> str:
    """What is done when something happens."""
    lines: list[str] = []
    for reaction in REACTIONS:
        tag = str(reaction.when.__struct_config__.tag)
        event = f"[`{tag}`](events.md#{tag.replace('.', '')})"
        lines += ["", f"## {reaction.name}", "", f"When {event}: {doc_of(reaction.then).text}"]
    words = (
        "What the job worker does because of what happened. The calls are written down in the transaction of the event "
        "itself and made at least once, each under a key of its own, so that it is carried out once. They appear in "
        "the ledger under the actor `reactions`, with the request that caused them as `causation_id`."
    )
    return page("Reactions", words, lines)


def errors(_: Types) -> str:
    """Every kind of error, with its status and exit code."""
    rows = [
        (code(kind.kind), cell(doc_of(kind).first), str(int(STATUS[kind])), str(EXIT_CODES.get(kind.kind, 1)))
        for kind in KINDS.values()
    ]
    rows.append((code(Error.kind), "A fault of the server itself; its log says more", str(int(STATUS[Error])), "1"))
    lines = table(("Kind", "Meaning", "HTTP", "Exit code"), rows)
    lines += ["", "An `unavailable` that comes of a full disk is answered with 507. A refusal by a gate is not an"]
    lines += ["error: the answer is a `Decision` with status 200, and the command ends with exit code 3.", ""]
    lines += ["Exit code 2 is a command that was typed wrong, 130 one that was interrupted."]
    lines += ["", "Requests that HTTP itself ends, before anything is asked, have one of the statuses"]
    lines += [f"{', '.join(str(int(status)) for status in sorted(_http_statuses()))}."]
    words = (
        "An error says what happened, with the values, and what to do about it. Over HTTP it is "
        '`{"error": {"kind", "message", "remedy", "fields", "request_id"}}`; in Python one of `mw.Invalid`, '
        "`mw.NotFound`, … with `.remedy` and `.fields`; on the command line one line and an exit code. Endpoints "
        "answer in the forms of their protocols."
    )
    return page("Errors", words, lines)


def _http_statuses() -> set[HTTPStatus]:
    kinds = {HTTPStatus.FORBIDDEN, HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE}
    found = set()
    for _, tree in modules_of_the_house():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Stopped", "Refusal", "Problem"):
                first = node.args[0] if node.args else None
                if isinstance(first, ast.Constant) and isinstance(first.value, int):
                    found.add(HTTPStatus(first.value))
                elif isinstance(first, ast.Attribute) and getattr(first.value, "id", "") == "HTTPStatus":
                    found.add(HTTPStatus[first.attr])
    return {status for status in found if status not in kinds}


def settings(_: Types) -> str:
    """Every environment variable that is read."""
    lines = table(("Variable", "What it decides"), ((code(each.name), cell(each.what)) for each in SETTINGS))
    words = (
        "Environment variables that Modelwright reads. The options `--home` and `--url` of the command line, and an "
        "argument of `connect()`, come before them."
    )
    about = (inspect.getdoc(Project) or "").split("Attributes:")[1]
    keys = [line.strip().split(": ", 1) for line in re.sub(r"\n\s{8,}", " ", about).strip().splitlines()]
    file = table(("Key", "What it decides"), ((code(name), cell(what)) for name, what in keys))
    after = (
        "The nearest `modelwright.toml`, in the working folder or above, comes after them. Its keys may be left out."
    )
    return page("Settings", words, [*lines, "", "## modelwright.toml", "", after, *file])


def shelves() -> list[Shelf[Any]]:
    """Every shelf, by name."""
    found = {id(value): value for module in modules() for value in vars(module).values() if isinstance(value, Shelf)}
    return sorted(found.values(), key=lambda shelf: shelf.what)


def _shelf(shelf: Shelf[Any]) -> tuple[str, ...]:
    folder = Path("src", *shelf.package.split("."))
    variants = {name: ROOT / folder / f"{name.replace('-', '_')}.py" for name in shelf.built_in}
    shortest = min(variants, key=lambda name: (len(variants[name].read_text()), name))
    laws_name = f"{shelf.what.replace(' ', '_')}s"
    laws = import_module(f"modelwright.testing.{laws_name}")
    law = next(name for name in vars(laws) if name.endswith("Contract") and name != "Contract")
    passes = (
        f"`{law}` in [testing/{laws_name}.py](src/modelwright/testing/{laws_name}.py), "
        f"as [tests/contract/test_{laws_name}.py](tests/contract/test_{laws_name}.py) does"
    )
    return (
        shelf.what,
        f"[{folder.relative_to('src/modelwright')}/{variants[shortest].name}]({folder}/{variants[shortest].name})",
        ", ".join(code(name) for name in sorted(variants)),
        passes,
        code(shelf.group),
    )


def contributing(_: Types) -> str:
    """CONTRIBUTING.md, with the table of shelves made anew."""
    before, _begin, rest = (ROOT / "CONTRIBUTING.md").read_text().partition(SHELVES_BEGIN)
    after = rest.partition(SHELVES_END)[2]
    columns = ("I want to add a new …", "copy", "there are", "it must pass", "entry point of third parties")
    made = "\n".join(table(columns, map(_shelf, shelves())))
    return f"{before}{SHELVES_BEGIN}\n{made}\n\n{SHELVES_END}{after}"


def described_types(types: Types) -> str:
    """The types that the other pages mention; made last."""
    words = "The types of arguments, answers and events, as JSON has them. Times are in UTC, as text (RFC 3339)."
    return page("Types", words, types.described())


PAGES: dict[str, Callable[[Types], str]] = {
    "docs/reference/operations.md": operations,
    "docs/reference/commands.md": commands,
    "docs/reference/gates.md": gates,
    "docs/reference/flavours.md": flavours,
    "docs/reference/drift-tests.md": drift_tests,
    "docs/reference/events.md": events,
    "docs/reference/reactions.md": reactions,
    "docs/reference/errors.md": errors,
    "docs/reference/settings.md": settings,
    "docs/reference/types.md": described_types,
    "CONTRIBUTING.md": contributing,
}


def differences() -> Iterator[str]:
    """What would change in the files, as a diff."""
    types = Types()
    for name, make in PAGES.items():
        path = ROOT / name
        there = path.read_text().splitlines() if path.exists() else []
        yield from difflib.unified_diff(there, make(types).splitlines(), name, f"{name} as generated", lineterm="")


def main(arguments: Sequence[str]) -> int:
    """Write the pages, or compare them; the exit code."""
    if list(arguments) == ["--check"]:
        found = list(differences())
        print("\n".join([*found[:200], "Run `make docs`."] if found else ["The reference is as the code says."]))
        return 1 if found else 0
    if arguments:
        print(__doc__, file=sys.stderr)
        return 2
    types = Types()
    for name, make in PAGES.items():
        path = ROOT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(make(types))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

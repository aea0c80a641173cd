"""The house keeps its budgets. An exception stands here with its reason, or does not stand."""

from __future__ import annotations

import ast
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

SOURCE = Path(__file__).parents[2] / "src" / "modelwright"
FILES = sorted(SOURCE.rglob("*.py"))

FILE_LINES, FILE_LINES_P95, FILE_LINES_MEDIAN = 600, 450, 150
FUNCTION_LINES, FUNCTION_LINES_P95 = 80, 40
CLASS_METHODS, PORT_METHODS, ROOM_LINES = 20, 12, 3000

SHELVES = {"cli", "governance", "stats"}
"""Rooms whose folders are counted one by one: a command, a gate or a drift test knows no other, so nobody has to know
them all."""

MANY_PARAMETERS = {
    "add": "what a dataset version is made of; all but two by keyword",
    "evaluate": "what a person says on one line; all but three by keyword",
    "block_difference": "what is compared, and how; the last three by keyword",
    "export": "which part of the ledger, and how it is written; all but one by keyword",
    "finish": "who holds an execution, how it ended, and all that was not said before; the last three by keyword",
    "fit": "what a fitted model is made of; all but four by keyword",
    "train": "what the central pipeline is told on one line; all but two by keyword",
    "up": "what a person says on one line; all but one by keyword",
    "save": "what a model version is made of; all but two by keyword",
    "Standings": "where it is on record who made something",
    "GovernanceGuard": "what it asks other rooms; all but two by keyword",
    "LifecycleService": "the rooms it spans",
    "EvidenceService": "where rows, labels, scores and rivals lie; all but one by keyword",
}
"""Functions and constructors with more than seven parameters, each with its reason."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def bodies() -> Iterator[tuple[str, int]]:
    """Every function and the lines of its body, its docstring left out."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, Function):
                body = node.body[1:] if ast.get_docstring(node) is not None else node.body
                lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0
                yield f"{path.relative_to(SOURCE)}:{node.lineno} {node.name}", lines


def percentile(values: list[int], share: float) -> int:
    return sorted(values)[int(share * (len(values) - 1))]


def test_files_are_short():
    lines = {str(path.relative_to(SOURCE)): path.read_text().count("\n") for path in FILES}
    assert {name: count for name, count in lines.items() if count > FILE_LINES} == {}
    assert percentile(list(lines.values()), 0.95) <= FILE_LINES_P95
    assert statistics.median(lines.values()) <= FILE_LINES_MEDIAN


def test_functions_are_short():
    lines = dict(bodies())
    assert {name: count for name, count in lines.items() if count > FUNCTION_LINES} == {}
    assert percentile(list(lines.values()), 0.95) <= FUNCTION_LINES_P95


def test_classes_have_few_methods():
    crowded = {}
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                methods = [item for item in node.body if isinstance(item, Function)]
                public = [item for item in methods if not item.name.startswith("_")]
                if len(methods) > CLASS_METHODS:
                    crowded[f"{path.relative_to(SOURCE)} {node.name}"] = len(methods)
                if (path.name in {"repository.py", "ports.py"}) and len(public) > PORT_METHODS:
                    crowded[f"{path.relative_to(SOURCE)} {node.name}"] = len(public)
    assert crowded == {}


def test_rooms_are_small_enough_to_know():
    rooms: dict[str, int] = {}
    for path in FILES:
        room, *inner = path.relative_to(SOURCE).parts
        room = f"{room}/{inner[0]}" if room in SHELVES and inner[1:] else room
        rooms[room] = rooms.get(room, 0) + path.read_text().count("\n")
    assert {room: lines for room, lines in rooms.items() if lines > ROOM_LINES} == {}


def parameters() -> Iterator[tuple[str, str, int]]:
    """Where, the name of the function or of the class it makes, and how many parameters it takes."""
    for path in FILES:
        if "cli" in path.parts:  # a command's parameters are its options
            continue
        tree = ast.parse(path.read_text())
        owners = {
            id(item): node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for item in node.body
        }
        for node in ast.walk(tree):
            if not isinstance(node, Function) or any("operation" in ast.unparse(mark) for mark in node.decorator_list):
                continue
            names = {argument.arg for argument in [*node.args.args, *node.args.kwonlyargs]} - {"self", "cls", "unit"}
            name = owners.get(id(node), node.name) if node.name == "__init__" else node.name
            yield f"{path.relative_to(SOURCE)}:{node.lineno}", name, len(names)


def test_parameters_are_few():
    crowded = {name: place for place, name, count in parameters() if count > 7}
    assert {name: place for name, place in crowded.items() if name not in MANY_PARAMETERS} == {}
    assert set(MANY_PARAMETERS) <= set(crowded), "an exception that is no longer needed"


def test_no_files_import_each_other_in_a_circle():
    """Arrows point down, inside rooms too, also under TYPE_CHECKING and inside functions."""
    graph = grimp.build_graph("modelwright", cache_dir=None)
    arrows = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    done: set[str] = set()
    for start in sorted(arrows):
        path, waiting = [], [(start, False)]
        while waiting:
            module, leaving = waiting.pop()
            if leaving:
                path.remove(module)
                done.add(module)
            elif module not in done:
                assert module not in path, f"a circle: {' -> '.join([*path[path.index(module) :], module])}"
                path.append(module)
                waiting += [(module, True), *((inner, False) for inner in sorted(arrows[module]))]


def modules_of(code: str) -> set[str]:
    """The modules that some code loads, beyond those of a bare interpreter."""
    script = f"import sys; before = set(sys.modules)\n{code}\nprint(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_importing_the_package_costs_nothing():
    loaded = modules_of("import modelwright")
    assert len(loaded) <= 70
    assert "numpy" not in loaded


def test_help_is_cheap():
    code = (
        "import io, contextlib\n"
        "from modelwright.cli.main import app\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    app(['--help'])\n"
    )
    loaded = modules_of(code)
    assert {"numpy", "sqlalchemy", "pyarrow", "sklearn"}.isdisjoint(loaded)
    assert len(loaded) <= 385


def test_a_local_read_is_cheap(tmp_path):
    code = (
        "from pathlib import Path\n"
        "from modelwright.app.home import Home\n"
        f"Home(Path({str(tmp_path / 'home')!r})).open(create=True)\n"
        "import modelwright as mw\n"
        f"mw.connect({str(tmp_path / 'home')!r}).models.list()\n"
    )
    loaded = modules_of(code)
    assert {"numpy", "pyarrow", "duckdb", "scipy", "sklearn"}.isdisjoint(loaded)
    assert len(loaded) <= 620


@pytest.mark.parametrize("name", [".".join(path.relative_to(SOURCE.parent).with_suffix("").parts) for path in FILES])
def test_every_public_name_resolves(name):
    if name.endswith("__main__") or "scaffold." in name:
        pytest.skip("runs when imported")
    script = f"import importlib; m = importlib.import_module({name.removesuffix('.__init__')!r}); [getattr(m, n) for n in getattr(m, '__all__', [])]"
    if "__all__" in (SOURCE.parent / (name.replace(".", "/") + ".py")).read_text():
        subprocess.run([sys.executable, "-c", script], check=True)

"""What a step's result depends on, as one digest: its code and its helpers' code, its arguments, the environment.

Helpers are found by name: what a function names of its own module or of other modules of the project, and what those
name, functions, classes and constants alike. A module of the project that is used as ``module.name`` counts as a whole,
and so does one imported inside a function. What cannot be seen by name is not seen: attributes set at run time, files
that are read, ``getattr`` with a computed name. Hand such things on as arguments.
"""

from __future__ import annotations

import ast
import inspect
import sys
import sysconfig
import textwrap
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, cast

from modelwright.core.errors import Error
from modelwright.core.source import installed, project_root
from modelwright.core.wire import digest, sha256
from modelwright.pipelines.define import Pipeline, Step
from modelwright.pipelines.values import encode

_FOREIGN = tuple({Path(sysconfig.get_paths()[name]).resolve() for name in ("stdlib", "purelib", "platlib")})


def environment() -> str:
    """Digest of the environment: the interpreter and every installed distribution."""
    return sha256(f"{sys.version_info[:3]}\n{installed()}".encode())


def key_of(code: str, call: bytes, surroundings: str) -> str:
    """The digest under which a step's result is known.

    Args:
        code: From ``code_of``.
        call: The encoded arguments, results of other steps as marks of their content.
        surroundings: From ``environment``.
    """
    return digest({"code": code, "call": sha256(call), "environment": surroundings})


def code_of(function: Callable[..., Any]) -> str:
    """Digest of a function's source and of all that it names in its project, and so on."""
    seen: dict[str, str] = {}
    plain = cast("FunctionType", function)  # a step is made of nothing else
    _visit(plain, _root(plain), seen, decorated=False)  # how often it is retried is no part of what it answers
    return digest(sorted(seen.items()))


def _root(function: FunctionType) -> Path | None:
    file = inspect.getsourcefile(function)
    return project_root(Path(file).resolve()) if file and Path(file).exists() else None


def _visit(function: FunctionType, root: Path | None, seen: dict[str, str], *, decorated: bool = True) -> None:
    module = str(function.__globals__.get("__name__"))
    place = f"{module}:{function.__code__.co_qualname}"  # of the code: a wrapper calls itself what it wraps
    if place in seen:
        return
    tree = _tree(function.__code__, decorated=decorated)
    seen[place] = sha256(ast.dump(tree).encode()) if tree else _compiled(function.__code__)
    for name, value in _named(function):
        _note(f"{place} {name}", value, module, root, seen)
    for node in ast.walk(tree) if tree else ():
        for imported in _imported(node):
            _note_file(imported, root, seen)


def _note(place: str, value: Any, module: str, root: Path | None, seen: dict[str, str]) -> None:
    """Something that a function names, if it belongs to the project."""
    if isinstance(value, Step | Pipeline):
        value = value.function
    value = value if isinstance(value, FunctionType) else getattr(value, "__wrapped__", value)  # lru_cache's and such
    if isinstance(value, ModuleType):
        _note_file(value.__name__, root, seen)
    elif isinstance(value, FunctionType):
        if _ours(str(value.__globals__.get("__name__")), module, root):
            _visit(value, root, seen)
    elif isinstance(value, type):
        if _ours(value.__module__, module, root):
            _visit_class(value, root, seen)
    else:
        try:
            seen[place] = sha256(encode(value))
        except Error:
            seen[place] = f"{type(value).__module__}.{type(value).__qualname__}"


def _visit_class(kind: type, root: Path | None, seen: dict[str, str]) -> None:
    place = f"{kind.__module__}:{kind.__qualname__}"
    if place in seen:
        return
    seen[place] = ""
    for name, value in sorted(vars(kind).items()):
        plain = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
        if isinstance(plain, FunctionType) and plain.__module__ == kind.__module__:
            _visit(plain, root, seen)
        elif not name.startswith("__"):
            _note(f"{place} {name}", value, kind.__module__, root, seen)
    for base in kind.__bases__:
        if _ours(base.__module__, kind.__module__, root):
            _visit_class(base, root, seen)


def _note_file(name: str, root: Path | None, seen: dict[str, str]) -> None:
    file = _file(name)
    if file is not None and _inside(file, root):
        seen[f"file {name}"] = sha256(file.read_bytes())


def _named(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """Globals and enclosing variables that the function's code names."""
    for name in sorted(_names(function.__code__)):
        if name in function.__globals__:
            yield name, function.__globals__[name]
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # not bound yet
            continue


def _names(code: CodeType) -> set[str]:
    inner = (_names(constant) for constant in code.co_consts if isinstance(constant, CodeType))
    return set(code.co_names).union(*inner)


def _tree(code: CodeType, *, decorated: bool) -> ast.AST | None:
    """The source of some code without comments, layout and docstrings; its decorators if they count."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(code)))
    except (OSError, TypeError, SyntaxError):  # typed at a prompt, or a lambda in the middle of a line
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    if not decorated and isinstance(tree.body[0], ast.FunctionDef):
        tree.body[0].decorator_list = []
    return tree


def _compiled(code: CodeType) -> str:
    constants = [_compiled(one) if isinstance(one, CodeType) else repr(one) for one in code.co_consts]
    return digest([code.co_code.hex(), constants, list(code.co_names)])


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module


def _ours(module: str, own: str, root: Path | None) -> bool:
    if module == own:
        return True
    file = _file(module)
    return file is not None and _inside(file, root)


def _file(module: str) -> Path | None:
    loaded = sys.modules.get(module)
    origin = getattr(loaded, "__file__", None)
    if loaded is None and "." not in module:  # a dotted name would import its parents
        spec = find_spec(module)
        origin = spec.origin if spec else None
    return Path(origin).resolve() if origin and Path(origin).suffix == ".py" and Path(origin).exists() else None


def _inside(file: Path, root: Path | None) -> bool:
    if root is None or not file.is_relative_to(root):
        return False
    return not any(file.is_relative_to(foreign) for foreign in _FOREIGN)

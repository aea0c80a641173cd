"""On-demand functions: a Python function's text is kept with the view and run where the question is asked.

A function may use its parameters, its own names, ``math``, ``datetime``, ``timedelta`` and a few builtins. There are no
imports, closures, globals, classes, or names that begin with an underscore. That keeps it a function of what it is
given, today here and in a year there. It is no sandbox: the text is signed with the model, and who signs is trusted.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import math
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from modelwright.core.errors import Invalid
from modelwright.core.schema import DType
from modelwright.features.model import OnDemand

_BUILTINS = frozenset({"abs", "all", "any", "bool", "dict", "divmod", "enumerate", "float", "int", "isinstance"}) | {
    *("len", "list", "max", "min", "pow", "range", "round", "set", "sorted", "str", "sum", "tuple", "zip"),
}
_GLOBALS = {"math": math, "datetime": datetime, "timedelta": timedelta}
_DTYPES = {
    "bool": DType.BOOL,
    "int": DType.INT64,
    "float": DType.FLOAT64,
    "str": DType.STRING,
    "datetime": DType.TIMESTAMP,
}
_KINDS: Mapping[DType, type] = {DType.BOOL: bool, DType.INT64: int, DType.STRING: str, DType.TIMESTAMP: datetime}
_REFUSED = (
    ast.Import | ast.ImportFrom | ast.Global | ast.Nonlocal | ast.ClassDef | ast.AsyncFunctionDef | ast.Await
) | (ast.Yield | ast.YieldFrom | ast.While | ast.With | ast.Delete)


def captured(function: Callable[..., Any]) -> OnDemand:
    """A function as a feature.

    Raises:
        Invalid: Its text cannot be had, or it uses what an on-demand function may not.
    """
    if not inspect.isfunction(function) or function.__closure__:
        raise _refused(getattr(function, "__name__", repr(function)), "it is no plain function, or it is a closure")
    try:
        text = textwrap.dedent(inspect.getsource(function))
    except OSError:
        raise _refused(function.__name__, "its text cannot be found; write it in a file or a notebook cell") from None
    node = _function(text)
    lines = text.splitlines()[node.lineno - 1 : node.end_lineno]
    return described("\n".join(lines) + "\n")


def described(code: str) -> OnDemand:
    """What a function's text declares, after ``check``."""
    node = _function(code)
    types = {argument.arg: _annotated(node.name, argument.arg, argument.annotation) for argument in node.args.args}
    answer, _ = _annotated(node.name, "return", node.returns)
    found = OnDemand(
        name=node.name,
        code=code,
        inputs=tuple(types),
        optional=tuple(name for name, (_, optional) in types.items() if optional),
        dtype=answer,
    )
    check(found)
    return found


def check(feature: OnDemand) -> None:
    """Pass silently if the text is one function that may be kept, and says what the feature says. Nothing is run.

    Raises:
        Invalid: It is not.
    """
    node = _function(feature.code)
    arguments = node.args
    plain = (
        not (arguments.posonlyargs or arguments.kwonlyargs or arguments.vararg or arguments.kwarg or arguments.defaults)
        and node.name == feature.name
        and tuple(argument.arg for argument in arguments.args) == feature.inputs
        and not node.decorator_list
    )
    if not plain or not feature.inputs:
        raise _refused(node.name, "its parameters are not plain names, at least one, without defaults")
    for problem in _problems(node):
        raise _refused(node.name, problem)


def compiled(feature: OnDemand) -> Callable[..., Any]:
    """The function itself; the text is checked again before it is run.

    Raises:
        Invalid: It may not be run.
    """
    check(feature)
    allowed = {name: getattr(builtins, name) for name in _BUILTINS}
    names: dict[str, Any] = {"__builtins__": allowed, **_GLOBALS}
    tree = _function(feature.code)
    for argument in tree.args.args:
        argument.annotation = None
    tree.returns = None
    module = ast.fix_missing_locations(ast.Module(body=[tree], type_ignores=[]))
    exec(compile(module, f"<on-demand {feature.name}>", "exec"), names)  # noqa: S102  # signed with the model, checked above
    found: Callable[..., Any] = names[feature.name]
    return found


def applied(
    feature: OnDemand, function: Callable[..., Any], columns: Mapping[str, Sequence[Any]], count: int
) -> list[Any]:
    """One value per row.

    Args:
        feature: The feature.
        function: What ``compiled`` made of it.
        columns: Its inputs, missing values as None.
        count: How many rows.

    Raises:
        Invalid: The function raised, or answered another type than it declares.
    """
    required = [place for place, name in enumerate(feature.inputs) if name not in feature.optional]
    found: list[Any] = []
    for row in range(count):
        values = [columns[name][row] for name in feature.inputs]
        if any(values[place] is None for place in required):
            found.append(None)
            continue
        try:
            answer = function(*values)
        except Exception as error:  # the rim of a function that somebody else wrote
            raise Invalid(
                f"The on-demand feature {feature.name} failed on row {row}: {type(error).__name__}: {error}.",
                remedy=f"Mend {feature.name} for such values: {dict(zip(feature.inputs, values, strict=True))!r:.200}",
                fields={feature.name: f"row {row} failed"},
            ) from error
        found.append(_typed(feature, answer))
    return found


def _typed(feature: OnDemand, answer: Any) -> Any:
    if answer is None:
        return None
    kind = type(answer)
    if feature.dtype is DType.FLOAT64 and kind in {float, int}:
        return None if math.isnan(answer) else float(answer)
    if kind is not _KINDS.get(feature.dtype):
        raise Invalid(
            f"The on-demand feature {feature.name} answered {answer!r:.60}, not {feature.dtype}.",
            remedy="Let it return what its annotation says, or None.",
            fields={feature.name: f"not {feature.dtype}"},
        )
    return answer


def _function(code: str) -> ast.FunctionDef:
    try:
        body = ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Invalid(f"An on-demand function is no Python: {type(error).__name__}.") from None
    if len(body) != 1 or not isinstance(body[0], ast.FunctionDef):
        raise Invalid("An on-demand feature is one function.", remedy="Write @f.on_demand above a def.")
    return body[0]


def _annotated(function: str, what: str, annotation: ast.expr | None) -> tuple[DType, bool]:
    optional = False
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            annotation = ast.parse(annotation.value, mode="eval").body
        except SyntaxError:
            annotation = None
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        left, right = annotation.left, annotation.right
        optional = isinstance(right, ast.Constant) and right.value is None
        annotation = left if optional else annotation
    dtype = _DTYPES.get(annotation.id) if isinstance(annotation, ast.Name) else None
    if dtype is None:
        raise _refused(function, f"{what} is not annotated as one of {', '.join(_DTYPES)}, or that | None")
    return dtype, optional


def _problems(node: ast.FunctionDef) -> Iterator[str]:
    inside = list(ast.walk(node))
    own = {argument.arg for argument in node.args.args}
    own |= {each.id for each in inside if isinstance(each, ast.Name) and not isinstance(each.ctx, ast.Load)}
    own |= {each.arg for inner in inside if isinstance(inner, ast.Lambda) for each in inner.args.args}
    for each in inside:
        if isinstance(each, _REFUSED) or (isinstance(each, ast.FunctionDef) and each is not node):
            yield f"it has a {type(each).__name__}"
        elif isinstance(each, ast.Attribute) and each.attr.startswith("_"):
            yield f"it uses {each.attr}"
        elif isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load):
            known = each.id in own | _BUILTINS | _GLOBALS.keys() | _DTYPES.keys()
            if not known:
                yield f"it uses {each.id}, which it does not define"


def _refused(name: str, problem: str) -> Invalid:
    return Invalid(
        f"{name[:80]} cannot be an on-demand feature: {problem[:200]}.",
        remedy="Let it use its parameters, its own names, math, datetime, timedelta and plain builtins alone.",
        fields={"features": f"{name[:80]}: {problem[:200]}"},
    )

"""Checks of one's own: functions in a repository, run where the caller is; the server keeps what they find."""

from __future__ import annotations

import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from modelwright.core import wire
from modelwright.core.clock import as_utc
from modelwright.core.errors import Invalid, NotFound, first_line
from modelwright.core.ids import Name
from modelwright.governance.checks.model import Outcome
from modelwright.governance.model import Evidence, Window
from modelwright.lifecycle.evaluate import Faces

if TYPE_CHECKING:
    import pyarrow as pa

    from modelwright.models.flavours.base import Predictor

FILE = "checks.py"
_VALUE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")

Function = Callable[["Predictor", "pa.Table"], Mapping[str, Outcome]]


class Check:
    """A check of one's own; calling it calls the function.

    Attributes:
        name: Its name: policies ask for it as ``check.<name>``.
        function: What it runs.
        source: The function's source, whose digest is kept with what it found.
    """

    def __init__(self, name: str, function: Function) -> None:
        self.name = wire.convert(name, Name)
        self.function = function
        try:
            self.source = textwrap.dedent(inspect.getsource(function))
        except (OSError, TypeError) as error:
            raise Invalid(f"The source of the check {name} cannot be read.", remedy="Write it in a file.") from error
        self.__doc__ = function.__doc__

    def __repr__(self) -> str:
        return f"<check {self.name}>"

    def __call__(self, model: Predictor, rows: pa.Table) -> dict[str, Outcome]:
        """What it finds.

        Raises:
            Invalid: It raises, or what it answers is not a mapping of names to numbers, texts, or true and false.
        """
        try:
            found = self.function(model, rows)
        except Exception as error:
            raise Invalid(
                f"The check {self.name} failed: {type(error).__name__}: {first_line(error)}",
                remedy="Mend it: nothing was kept.",
            ) from error
        if not isinstance(found, Mapping) or not found:
            raise self._no(f"answered {type(found).__name__}, not names with values")
        return {str(name): self._value(str(name), value) for name, value in found.items()}

    def _value(self, name: str, value: Any) -> Outcome:
        if not _VALUE.fullmatch(name):
            raise self._no(f"answered {name[:70]!r}, which a condition cannot name")
        if hasattr(value, "item") and getattr(value, "shape", None) == ():
            value = value.item()  # a NumPy number
        if isinstance(value, bool | str):
            return value
        if isinstance(value, int | float) and abs(value) < float("inf"):
            return float(value)
        raise self._no(f"answered {name} = {str(value)[:70]}, which is no finite number, text, or true or false")

    def _no(self, problem: str) -> Invalid:
        return Invalid(
            f"The check {self.name} {problem}.",
            remedy='Answer a dict such as {"share": 0.01, "ok": True}: names of letters, digits and _.',
        )


def check(name: str) -> Callable[[Function], Check]:
    """Make a function a check of one's own.

    It is given the loaded model, which answers ``model(columns)``, and the rows as an Arrow table with all columns, the
    label among them. It answers names with numbers, texts, or true and false; a policy's condition reads them.

    Args:
        name: What to call it: ``check.<name>`` in a policy.

    Example:
        >>> @check("no-leak")
        ... def no_leak(model, rows):
        ...     return {"share": 0.0}
        >>> no_leak
        <check no-leak>
    """
    return lambda function: Check(name, function)


def load(file: str | Path = FILE) -> dict[str, Check]:
    """The checks of a file, by name.

    Args:
        file: A Python file of a repository.

    Raises:
        NotFound: There is no such file.
        Invalid: It cannot be imported, has no check, or two of one name.
    """
    path = Path(file)
    if not path.is_file():
        raise NotFound(f"There is no file {path}.", remedy="Write checks there, or give its path with --file.")
    if not path.stem.isidentifier():
        raise Invalid(f"{path.name} is no name of a Python module.", remedy="Call it checks.py.")
    module = _imported(path.resolve())
    found: dict[str, Check] = {}
    for each in vars(module).values():
        if isinstance(each, Check) and found.setdefault(each.name, each) is not each:
            raise Invalid(f"{path} has two checks {each.name!r}.", remedy="Give each a name of its own.")
    if not found:
        raise Invalid(f"{path} has no check.", remedy='Write @modelwright.check("NAME") above a function.')
    return found


def _imported(path: Path) -> ModuleType:
    """A file as a module, as it is now: another module of that name, or an earlier state, may be imported already."""
    spec = spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise Invalid(f"{path} is no Python file.", remedy="Call it checks.py.")
    module, known = module_from_spec(spec), sys.modules.get(path.stem)
    sys.path.insert(0, str(path.parent))
    sys.modules[path.stem] = module  # dataclasses and others look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise Invalid(f"{path} cannot be imported: {type(error).__name__}: {first_line(error)}") from error
    finally:
        sys.path.remove(str(path.parent))
        if known is not None:
            sys.modules[path.stem] = known
    return module


def chosen(checks: Mapping[str, Check], names: Sequence[str]) -> list[Check]:
    """The checks of these names, or all of them where none is given.

    Raises:
        NotFound: There is none of that name.
    """
    for name in names:
        if name not in checks:
            raise NotFound(f"There is no check {name!r}.", remedy=f"There are: {', '.join(checks)}.")
    return [checks[name] for name in names] if names else list(checks.values())


def run_checks(
    workspace: Faces,
    ref: str,
    dataset: str,
    checks: Sequence[Check],
    *,
    since: datetime | str | None = None,
    until: datetime | str | None = None,
) -> tuple[Evidence, ...]:
    """Run checks of one's own on a version and rows of a dataset version, here, and have what they find kept.

    Args:
        workspace: Where both lie.
        ref: The model's version.
        dataset: The dataset's version.
        checks: What to run.
        since: The first event time; by default from the beginning.
        until: The first event time after it; by default to the end.

    Raises:
        NotFound: There is no such version, dataset or charter.
        Invalid: A check fails, or answers what cannot be kept; then nothing is.
        Corrupted: A byte of the package or of the dataset is not what was recorded.
    """
    from modelwright.governance.evaluation import rows_in  # weight: pyarrow and numpy, 0.4 s

    version, data = workspace.models.get(ref), workspace.data.get(dataset)
    window = Window(
        since=None if since is None else as_utc(since, field="since"),
        until=None if until is None else as_utc(until, field="until"),
    )
    table = rows_in(workspace.data.table(data.ref), window, data.event_time)
    model = workspace.models.load(version.ref)
    found = [(each, each(model, table)) for each in checks]
    return tuple(
        workspace.checks.keep(
            version.ref, data.ref, each.name, values, each.source, since=window.since, until=window.until
        )
        for each, values in found
    )

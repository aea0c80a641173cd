"""The files that ``modelwright new`` writes: a variant of a shelf that works, its tests, and its place in the docs."""

from __future__ import annotations

import keyword
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

from msgspec import Struct

from modelwright.core.errors import Conflict, Invalid, Unavailable
from modelwright.stats.drift.base import DRIFT_TESTS

_FOLDER = Path("src", "modelwright", "stats", "drift")
_CONTRACT = Path("tests", "contract", "test_drift_tests.py")
_LAST = '@pytest.mark.parametrize("name", DRIFT_TESTS.names())'
"""What stands after the classes of the contract test."""

_MAKE_DOCS = "import runpy, sys; sys.path.insert(0, 'src'); runpy.run_path('docs/generate.py', run_name='__main__')"
"""From the checkout's own code, whatever is installed."""


class Variant(Struct, frozen=True, kw_only=True):
    """What ``new`` did.

    Attributes:
        name: The variant's registered name.
        files: The files it wrote.
        changed: The files it added to, or made anew from the code.
        entry_point: The lines that a package's ``pyproject.toml`` declares it with; empty in a checkout of Modelwright.
        tests: The command that runs its tests.
    """

    name: str
    files: tuple[str, ...]
    changed: tuple[str, ...] = ()
    entry_point: str = ""
    tests: str


def drift_test(name: str, folder: Path) -> Variant:
    """Write a drift test that works, to be changed into another; nothing is overwritten.

    Args:
        name: Its name, words of small letters and digits with hyphens between them.
        folder: Where it is wanted. In a checkout of Modelwright, or below one, it goes on the shelf there.

    Raises:
        Invalid: That is no name.
        Conflict: There is a drift test of that name, or a file in the way.
        Unavailable: The reference could not be written.
    """
    module = name.replace("-", "_")
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or keyword.iskeyword(module) or name == "base":
        raise Invalid(
            f"{name[:80]!r} cannot name a drift test.", remedy="Use small letters and digits, as in total-variation."
        )
    if name in DRIFT_TESTS.names():
        raise Conflict(f"There is a drift test {name!r}.", remedy="Choose another name.")
    checkout = next((each for each in (folder, *folder.parents) if (each / _FOLDER / "base.py").is_file()), None)
    return _plugin(name, module, folder) if checkout is None else _on_the_shelf(name, module, checkout)


def _on_the_shelf(name: str, module: str, checkout: Path) -> Variant:
    before, found, after = (checkout / _CONTRACT).read_text("utf-8").partition(_LAST)
    if not found:
        raise Conflict(f"{_CONTRACT} has no line {_LAST}.", remedy="Put it back behind the classes.")
    golden = Path("tests", "unit", "stats", f"test_{module}.py")
    written = {_FOLDER / f"{module}.py": "variant", golden: "golden"}
    _write(checkout, {path: _template(which, name, module) for path, which in written.items()})
    (checkout / _CONTRACT).write_text(before + _template("contract", name, module) + found + after, "utf-8")
    command = [sys.executable, "-c", _MAKE_DOCS]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)  # noqa: S603  # fixed words
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise Unavailable(f"The files are written; docs/generate.py failed: {last[:300]}", remedy="Run `make docs`.")
    return Variant(
        name=name,
        files=tuple(map(str, written)),
        changed=(str(_CONTRACT), "docs/reference/drift-tests.md", "CONTRIBUTING.md"),
        tests=f"python -m pytest -q {golden} {_CONTRACT}",
    )


def _plugin(name: str, module: str, folder: Path) -> Variant:
    tests = Path("tests", f"test_{module}.py")
    written = {Path(f"{module}.py"): "variant", tests: "plugin"}
    _write(folder, {path: _template(which, name, module) for path, which in written.items()})
    return Variant(
        name=name,
        files=tuple(map(str, written)),
        entry_point=f'[project.entry-points."{DRIFT_TESTS.group}"]\n{name} = "{module}:variant"',
        tests=f"python -m pytest -q {tests}",
    )


def _write(root: Path, texts: dict[Path, str]) -> None:
    there = [str(path) for path in texts if (root / path).exists()]
    if there:
        raise Conflict(f"{', '.join(there)} exists.", remedy="Choose another name, or move it away.")
    for path, text in texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        with (root / path).open("x", encoding="utf-8") as file:
            file.write(text)


def _template(which: str, name: str, module: str) -> str:
    text = (files(__package__) / "drift_test" / f"{which}.py.txt").read_text("utf-8")
    return text.replace("CLASS", name.title().replace("-", "")).replace("NAME", name).replace("MODULE", module)

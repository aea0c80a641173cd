"""``modelwright new``: files that work, and nothing that was there is lost."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.commands import command

ROOT = Path(__file__).parents[3]


def test_a_plugin_and_its_test_are_written_and_the_test_passes(tmp_path):
    done = command("new", "drift-test", "total-variation")
    assert done.code == 0
    assert 'total-variation = "total_variation:variant"' in done.out
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_total_variation.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("there", ["total_variation.py", "tests/test_total_variation.py"])
def test_nothing_is_overwritten(tmp_path, there):
    (tmp_path / "tests").mkdir()
    (tmp_path / there).write_text("mine")
    done = command("new", "drift-test", "total-variation")
    assert done.code == 1
    assert f"{there} exists" in done.err
    assert [path.read_text() for path in tmp_path.rglob("*.py")] == ["mine"]


@pytest.mark.parametrize("name", ["Total", "a_b", "-a", "a--b", "../a", "class", "base", "", "a/b", "1a"])
def test_what_cannot_be_a_file_of_the_shelf_is_refused(tmp_path, name):
    done = command("new", "drift-test", "--", name)
    assert done.code == 1
    assert "cannot name a drift test" in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_taken_is_refused():
    done = command("new", "drift-test", "l-infinity")
    assert done.code == 1
    assert "There is a drift test 'l-infinity'" in done.err


@pytest.fixture
def checkout(tmp_path):
    """What the command needs of this repository, and a generator of docs that says it was called."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "tests" / "contract").mkdir(parents=True)
    shutil.copy(ROOT / "tests/contract/test_drift_tests.py", tmp_path / "tests/contract")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "generate.py").write_text("open('docs/made', 'w').close()")
    return tmp_path


def test_in_a_checkout_it_goes_on_the_shelf_and_into_tests_and_docs(checkout, monkeypatch):
    monkeypatch.chdir(checkout / "docs")
    done = command("new", "drift-test", "total-variation", "--json")
    assert json.loads(done.out)["files"] == [
        "src/modelwright/stats/drift/total_variation.py",
        "tests/unit/stats/test_total_variation.py",
    ]
    assert (checkout / "docs" / "made").exists()
    contract = (checkout / "tests/contract/test_drift_tests.py").read_text()
    assert (
        'class TestTotalVariation(DriftTestContract):\n    drift_test = DRIFT_TESTS.get("total-variation")' in contract
    )
    assert contract.index("TestTotalVariation") < contract.index("def test_every_drift_test_of_the_shelf")


@pytest.mark.parametrize(
    "tool", [["ruff", "check"], ["ruff", "format", "--check"], ["mypy", "--follow-imports=skip"]], ids=" ".join
)
def test_what_it_writes_in_a_checkout_passes_the_houses_checks(checkout, tool):
    shutil.copy(ROOT / "pyproject.toml", checkout)
    command("new", "drift-test", "total-variation")
    files = ["src/modelwright/stats/drift/total_variation.py"]
    files += (
        [] if "mypy" in tool else ["tests/unit/stats/test_total_variation.py", "tests/contract/test_drift_tests.py"]
    )
    ran = subprocess.run(
        [sys.executable, "-m", *tool, *files], cwd=checkout, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_docs_that_cannot_be_written_are_said(checkout):
    (checkout / "docs" / "generate.py").write_text("raise SystemExit('no room')")
    done = command("new", "drift-test", "total-variation")
    assert done.code == 1
    assert "docs/generate.py failed: no room" in done.err
    assert "make docs" in done.err

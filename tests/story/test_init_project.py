"""A fresh folder becomes a project that works: data, training, its own tests, a served model, a traced prediction."""

import csv
import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest

FILES = ["modelwright.toml", "charter.yaml", "policy.yaml", "data.py", "train.py", "tests/test_train.py"]
_ROWS = """
import csv, sys
from data import tumours
from train import features
table = features(tumours().slice(0, 3))
csv.writer(sys.stdout).writerows([table.column_names, *zip(*table.to_pydict().values())])
"""


def ran(folder, *words, code=0):
    """A program run in a folder; what it printed."""
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("MODELWRIGHT_")}
    done = subprocess.run(
        [sys.executable, *map(str, words)], cwd=folder, env=surroundings, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def modelwright(folder, *words, code=0):
    return ran(folder, "-m", "modelwright", *words, code=code)


@contextmanager
def up(folder):
    """The project's processes, until the test is over."""
    words = [sys.executable, "-m", "modelwright", "up", "--port", "0", "--serve-port", "0", "--workers", "1"]
    with subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        watchdog = threading.Timer(120, process.kill)
        watchdog.start()
        try:
            assert process.stdout.readline().startswith("ready: ")
            yield
        finally:
            watchdog.cancel()
            process.terminate()
            process.wait(30)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A folder in which ``modelwright init`` and then ``python train.py`` were typed."""
    folder = tmp_path_factory.mktemp("fresh") / "my project"
    said = modelwright(folder.parent, "init", folder.name).splitlines()
    assert said == [*(f"wrote {name}" for name in FILES), "Next: cd 'my project' && python train.py"]
    *_, following = ran(folder, "train.py").splitlines()
    assert following == "Next: modelwright endpoint deploy tumours tumours@champion && modelwright up"
    return folder


def test_its_own_tests_pass(project):
    assert "1 passed" in ran(project, "-m", "pytest", "-q", "-p", "no:cacheprovider")


def test_its_model_passed_the_gates(project):
    [version] = json.loads(modelwright(project, "model", "list", "tumours", "--json"))["items"]
    assert version["aliases"] == ["champion"]
    assert "refused" not in modelwright(project, "model", "gate", "tumours@1")
    kinds = [line.split()[3] for line in modelwright(project, "evidence", "list", "tumours@1").splitlines()[1:]]
    assert sorted(kinds) == ["comparison:", "contract:", "evaluation:", "explanation:", "size:"]


def test_its_model_answers_and_the_answer_leads_back_to_the_bytes(project):
    assert "No workers are running. Start them: modelwright up" in modelwright(
        project, "endpoint", "deploy", "tumours", "tumours@champion"
    )
    (project / "rows.csv").write_text(ran(project, "-c", _ROWS))
    with up(project):
        assert "1 of 1 workers answer with it" in modelwright(
            project, "endpoint", "deploy", "tumours", "tumours@champion", "--reason", "again"
        )
        answer = json.loads(modelwright(project, "predict", "tumours", "rows.csv", "--json"))
        assert len(answer["predictions"]) == len(answer["ids"]) == 3
        with (project / "labels.csv").open("w", newline="") as file:
            csv.writer(file).writerows(
                [("id", "value", "known_at"), *((each, 1, "2026-01-01") for each in answer["ids"])]
            )
        assert modelwright(project, "label", "add", "tumours", "labels.csv") == "3 labels for tumours\n"
    shown = modelwright(project, "prediction", "list", "tumours").splitlines()
    assert {line.split()[0] for line in shown[1:]} == set(answer["ids"])
    traced = modelwright(project, "trace", "prediction", answer["ids"][0])
    words = [line.split()[0] for line in traced.splitlines() if not line.startswith(" ")]
    assert list(dict.fromkeys(words)) == ["prediction", "endpoint", "version", "evidence", "run", "source", "data"]


def test_a_second_init_overwrites_nothing(project):
    (project / "train.py").write_text("mine = True\n")
    (project / "policy.yaml").unlink()
    before = {name: (project / name).read_bytes() for name in FILES if name != "policy.yaml"}
    runs = modelwright(project, "run", "list", "--json")
    said = modelwright(project, "init").splitlines()
    assert said == ["wrote policy.yaml", *(f"kept {name}" for name in before), "Next: python train.py"]
    assert {name: (project / name).read_bytes() for name in before} == before
    assert modelwright(project, "run", "list", "--json") == runs
    assert json.loads(modelwright(project, "init", "--json"))["files"] == []

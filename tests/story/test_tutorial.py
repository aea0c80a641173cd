"""The README, the tutorial and the how-to pages say what is so: everything in them is carried out."""

import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from support.pages import Reader, blocks

DOCS = Path(__file__).parents[2] / "docs"
HOW_TO = sorted((DOCS / "how-to").glob("*.md"))
THEIR_DATABASE = "postgresql://modelwright:secret@localhost:5432/modelwright"
GIVEN = """
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.linear_model import LogisticRegression

import modelwright as mw

dice = np.random.default_rng(0)
departs = [datetime(2013, 1, 1, tzinfo=UTC) + timedelta(hours=each) for each in range(3000)]
lands = [moment + timedelta(hours=3) for moment in departs]
wind = dice.normal(size=3000)
late = (wind + dice.normal(size=3000) > 0).astype(int)
columns = {"flight_id": range(3000), "sched_dep": departs, "landed_at": lands, "carrier": ["AA", "UA"] * 1500}
pq.write_table(pa.table({**columns, "wind": wind, "late": late, "arr_delay": 20.0 * late}), "flights.parquet")
with open("charter.yaml", "w") as file:
    file.write("{question: 'Late?', decision: none, kpi: {metric: roc_auc, at_least: 0.6}, baseline: by-carrier, ")
    file.write("label: {column: late}, owners: {business: b, technical: t}}")


def features(table):
    return table.select(["wind"])


def by_carrier(table, lr):
    return mw.Lookup(["wind"], {(0.0,): 0.5}, otherwise=0.4)


def boosted(table, lr):
    return LogisticRegression(C=lr).fit(table["wind"].to_numpy().reshape(-1, 1), table["late"].to_numpy())


rows = {"wind": [1.5]}
late, landed_at = [1.0], [datetime.now(UTC)]
"""
AND_FOR_THE_PIPELINE = """
from datetime import datetime

import modelwright as mw
from modelwright import features as f

late = f.label(f.source("flights", entity="flight_id", event_time="sched_dep", known_at="landed_at"), "late > 0", matures_after="24h")


def boosted(table, lr=0.1): ...
"""
APPLIED = """
assert mw.connect().features.apply(view).ref == "context@1"
assert retrain.name == "retrain"
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The project that ``init`` writes, after ``python train.py``."""
    folder = tmp_path_factory.mktemp("trained") / "tumours"
    subprocess.run([sys.executable, "-m", "modelwright", "init", folder], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([sys.executable, "train.py"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return folder


@pytest.fixture
def reader(tmp_path, request):
    """Somebody in an empty folder, who has a PostgreSQL database where the page is about one."""
    tools, folder = tmp_path / "tools", tmp_path / "work"
    tools.mkdir()
    folder.mkdir()
    page = getattr(request.node, "callspec", None)
    on_postgres = page is not None and page.params["page"].stem == "use-postgresql"
    stands_for = {THEIR_DATABASE: request.getfixturevalue("database")} if on_postgres else {}
    with closing(Reader(folder, tools, stands_for)) as found:
        yield found


@pytest.mark.slow
def test_the_python_of_the_readme_runs_as_written(reader):
    """The project, then the same as a pipeline: a registered one is a function of a module, so it becomes one."""
    project, pipeline = (block for block in blocks(DOCS.parent / "README.md") if block.language == "python")
    page = reader.folder / "page.md"
    starts = "```sh\nmodelwright init .\n```\n```sh in another terminal\nmodelwright up\n```\n"
    page.write_text(
        f"{starts}```python\n{GIVEN}{project.text}```\n```python\n{AND_FOR_THE_PIPELINE}{pipeline.text}{APPLIED}```\n"
    )
    reader.read(page)


@pytest.mark.slow
def test_the_tutorial_can_be_followed_to_its_end(reader):
    reader.read(DOCS / "tutorial.md")


@pytest.mark.slow
@pytest.mark.parametrize("page", HOW_TO, ids=lambda page: page.stem)
def test_a_how_to_page_does_what_it_says(page, reader, trained):
    reader.folder = Path(shutil.copytree(trained, reader.folder / "tumours"))
    shutil.copy(DOCS / "verify_ledger.py", reader.folder)
    reader.read(page)

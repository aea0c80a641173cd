"""The tutorial and the how-to pages say what is so: everything in them is carried out."""

import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from support.pages import Reader

DOCS = Path(__file__).parents[2] / "docs"
HOW_TO = sorted((DOCS / "how-to").glob("*.md"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The project that ``init`` writes, after ``python train.py``."""
    folder = tmp_path_factory.mktemp("trained") / "tumours"
    subprocess.run([sys.executable, "-m", "modelwright", "init", folder], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([sys.executable, "train.py"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return folder


@pytest.fixture
def reader(tmp_path):
    """Somebody in an empty folder."""
    tools, folder = tmp_path / "tools", tmp_path / "work"
    tools.mkdir()
    folder.mkdir()
    with closing(Reader(folder, tools)) as found:
        yield found


@pytest.mark.slow
def test_the_tutorial_can_be_followed_to_its_end(reader):
    reader.read(DOCS / "tutorial.md")


@pytest.mark.slow
@pytest.mark.parametrize("page", HOW_TO, ids=lambda page: page.stem)
def test_a_how_to_page_does_what_it_says(page, reader, trained):
    reader.folder = Path(shutil.copytree(trained, reader.folder / "tumours"))
    shutil.copy(DOCS / "verify_ledger.py", reader.folder)
    reader.read(page)

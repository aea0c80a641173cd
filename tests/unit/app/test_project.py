"""``modelwright.toml`` says where a project's workspace is."""

from __future__ import annotations

from pathlib import Path

import pytest

import modelwright as mw
from modelwright.app.home import Home
from modelwright.app.project import workspace_of


def test_the_nearest_project_file_above_is_read(tmp_path: Path) -> None:
    (tmp_path / "modelwright.toml").write_text('url = "http://127.0.0.1:8900"\n')
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert workspace_of(deep) == "http://127.0.0.1:8900"


def test_a_project_file_that_only_names_the_project_leaves_the_rest_to_the_folders(tmp_path: Path) -> None:
    (tmp_path / "modelwright.toml").write_text('name = "flights"\n')
    assert workspace_of(tmp_path) is None


def test_connect_opens_the_home_that_the_project_file_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(tmp_path / "elsewhere").open(create=True)
    (tmp_path / "modelwright.toml").write_text('home = "elsewhere"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MODELWRIGHT_URL", raising=False)
    with mw.connect() as workspace:
        assert workspace.where == str(home.folder)


@pytest.mark.parametrize("text", ["url = ", "hom = 'x'\n", "home = 3\n", "\x00"])
def test_a_project_file_that_cannot_be_read_is_named_with_what_it_may_hold(tmp_path: Path, text: str) -> None:
    (tmp_path / "modelwright.toml").write_text(text)
    with pytest.raises(mw.Invalid, match=r"modelwright\.toml"):
        workspace_of(tmp_path)

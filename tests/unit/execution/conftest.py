"""Fixture words: a home to execute in, and projects whose modules are imported and forgotten."""

import importlib
import sys
from contextlib import closing

import pytest

from modelwright.app.connect import Workspace
from modelwright.app.workspace import LocalCaller
from support.homes import fresh_platform


@pytest.fixture
def ws(tmp_path):
    """A workspace."""
    with closing(fresh_platform(tmp_path)) as platform:
        yield Workspace(platform.table, LocalCaller(platform), str(platform.home.folder))


class Project:
    """A folder with modules."""

    def __init__(self, folder):
        self.folder = folder
        self._names = set()
        folder.mkdir()
        (folder / "modelwright.toml").write_text('name = "p"\n')
        sys.path.insert(0, str(folder))

    def module(self, name, text):
        """Write a module, and import it anew."""
        (self.folder / f"{name}.py").write_text(text)
        self.forget()
        self._names.add(name)
        return importlib.import_module(name)

    def forget(self):
        for name in self._names:
            sys.modules.pop(name, None)
        importlib.invalidate_caches()

    def close(self):
        self.forget()
        sys.path.remove(str(self.folder))


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project. Nothing is compiled to disk: files written twice in a second would be taken for the same."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    with closing(Project(tmp_path / "project")) as made:
        yield made

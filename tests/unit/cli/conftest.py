from contextlib import closing
from datetime import timedelta
from functools import partial

import pytest

from modelwright.app.home import Home
from modelwright.app.workspace import Platform
from support.commands import command
from support.homes import BEGINNING, fresh_platform
from support.people import APPROVALS, PEOPLE, SIGNER, TOKEN, a_signer, begin_login
from support.story import told
from support.twins import Alone


@pytest.fixture(autouse=True)
def _plain_surroundings(monkeypatch, tmp_path):
    """A folder without a home above it, and no settings from outside."""
    for name in ("MODELWRIGHT_URL", "MODELWRIGHT_TOKEN", "MODELWRIGHT_PROJECT", "MODELWRIGHT_DEBUG", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def home(tmp_path):
    """A fresh home's folder."""
    platform = fresh_platform(tmp_path)
    platform.close()
    return platform.home.folder


@pytest.fixture
def typed(home):
    """``modelwright --home …``."""
    return partial(command, "--home", home)


@pytest.fixture(scope="session")
def _told(tmp_path_factory):
    home = Home(tmp_path_factory.mktemp("story") / ".modelwright").open(create=True)
    platform = Platform(home, clock=lambda: BEGINNING)
    happened = told(Alone(platform))
    platform.close()
    return home.folder, {name: given for name, (given, _) in happened.items()}


@pytest.fixture(scope="session")
def _shared(tmp_path_factory):
    with closing(Platform(Home(tmp_path_factory.mktemp("team") / ".modelwright").open(create=True))) as platform:
        happened = told(Alone(platform))
        happened |= told(Alone(platform, begin_login(platform)), PEOPLE)
        happened |= told(Alone(platform, a_signer(platform)), APPROVALS)
        return platform.home.folder, {name: given for name, (given, _) in happened.items()}


@pytest.fixture
def people(_shared, monkeypatch):
    """A home with login, and the arguments with which each operation on people was called."""
    monkeypatch.setenv("MODELWRIGHT_TOKEN", TOKEN)
    return _shared


@pytest.fixture
def signer(_shared, monkeypatch):
    """The same home, and somebody who signs."""
    monkeypatch.setenv("MODELWRIGHT_TOKEN", SIGNER)
    return _shared


@pytest.fixture
def story(_told, monkeypatch):
    """A home with a whole life in it, a day later, and the arguments with which each operation was called."""
    later = partial(Platform, clock=lambda: BEGINNING + timedelta(days=1))
    monkeypatch.setattr("modelwright.app.workspace.Platform", later)
    return _told

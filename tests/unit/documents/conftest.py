"""Fixture words: a home in which everything has happened once, and its documents."""

from contextlib import closing

import pytest

from support.dashboard import told
from support.homes import fresh_platform


@pytest.fixture(scope="session")
def platform(tmp_path_factory):
    with closing(fresh_platform(tmp_path_factory.mktemp("documents"))) as opened:
        yield opened


@pytest.fixture(scope="session")
def story(platform):
    return told(platform)


@pytest.fixture(scope="session")
def ws(story):
    return story.workspace

import shutil
from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

import pytest
from playwright.sync_api import Page, sync_playwright

from support.dashboard import told
from support.homes import fresh_platform, live

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Opened(NamedTuple):
    """A tab, and everything it complained about or asked for."""

    page: Page
    complaints: list[str]
    requests: list[str]


@pytest.fixture(scope="module")
def browser():
    """Of one module, because an event loop runs in this thread as long as it is there."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.skip("There is no Chromium here; tests/prepare.sh installs it where it may.")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def platform(tmp_path_factory):
    with closing(fresh_platform(tmp_path_factory.mktemp("story"))) as opened:
        yield opened


@pytest.fixture(scope="session")
def story(platform):
    return told(platform)


@pytest.fixture(scope="session")
def site(platform, story):
    with live(platform) as url:
        yield url


@pytest.fixture(scope="session")
def bare_site(tmp_path_factory):
    """A server over a home in which nothing has happened."""
    with closing(fresh_platform(tmp_path_factory.mktemp("bare"))) as opened, live(opened) as url:
        yield url


@pytest.fixture
def tab(browser) -> Iterator[Opened]:
    """A fresh tab, 1280 wide, light."""
    with closing(browser.new_context(viewport={"width": 1280, "height": 800})) as context:
        yield opened(context.new_page())


def opened(page: Page) -> Opened:
    complaints: list[str] = []
    requests: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    return Opened(page, complaints, requests)

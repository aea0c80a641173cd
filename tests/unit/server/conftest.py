from contextlib import closing

import pytest

from support.asgi import Asker
from support.homes import application, fresh_platform


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    with closing(fresh_platform(tmp_path_factory.mktemp("home"))) as opened:
        yield opened


@pytest.fixture(scope="module")
def asker(platform):
    with closing(application(platform)) as app, closing(Asker(app)) as asking:
        yield asking

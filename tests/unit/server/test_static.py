from contextlib import closing

import pytest

from modelwright.server.static import static
from support.asgi import Asker
from support.homes import application


@pytest.fixture
def files(platform, tmp_path):
    (tmp_path / "static" / "deep").mkdir(parents=True)
    (tmp_path / "static" / "deep" / "a.css").write_text("a{}")
    (tmp_path / "static" / "notes.py").write_text("no")
    (tmp_path / "secret.css").write_text("no")

    def pages(*_):
        return static(tmp_path / "static")

    with closing(application(platform, pages=[pages])) as app, closing(Asker(app)) as asking:
        yield asking


def test_files_of_the_package_are_served_and_kept_under_their_tag(files):
    answer = files.ask("GET", "/static/deep/a.css")
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"a{}", "text/css; charset=utf-8")
    again = files.ask("GET", "/static/deep/a.css", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize(
    "name",
    ["../secret.css", "deep/../../secret.css", "..%2fsecret.css", "deep", "notes.py", "deep\\a.css", "", "/deep/a.css"],
)
def test_nothing_else_is(files, name):
    assert files.ask("GET", f"/static/{name}").status == 404

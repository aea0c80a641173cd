"""The golden matrix: what every route answers to every role, made by walking the application and kept in ``who_may.txt``.

When a route comes or a role changes, the failing test prints the lines that differ; copy them there after looking at
them as at any change of rights. Letters: viewer, contributor, operator, Validator, Approver, auditor, * admin.
"""

import json
from contextlib import closing
from pathlib import Path

import pytest

from modelwright.access.credentials import SHOWN, hashed, new_token
from modelwright.access.roles import Role
from modelwright.server.routes import PUBLIC
from support.asgi import Asker
from support.homes import application, fresh_platform
from support.people import begin_login, do

GOLDEN = Path(__file__).with_name("who_may.txt")
ROLES = [role.value for role in Role]
LETTERS = {
    "viewer": "v",
    "contributor": "c",
    "operator": "o",
    "validator": "V",
    "approver": "A",
    "auditor": "a",
    "admin": "*",
}


@pytest.fixture(scope="module")
def team(tmp_path_factory):
    """A home with one user for each role, one without any, and one whose role is in another project."""
    with closing(fresh_platform(tmp_path_factory.mktemp("team"))) as platform:
        begin_login(platform)
        do(platform, "projects.add", name="claims")
        tokens = {}
        for name in (*ROLES, "nobody", "stranger"):
            do(platform, "users.add", name=f"a-{name}")
            if name in ROLES:
                where = "*" if name == "admin" else "default"
                do(platform, "grants.add", role=name, project=where, user=f"a-{name}")
            secret = tokens[name] = new_token()
            do(platform, "tokens.give", user=f"a-{name}", digest=hashed(secret), shown=secret[:SHOWN], purpose="x")
        do(platform, "grants.add", role="contributor", project="claims", user="a-stranger")
        with closing(application(platform)) as app, closing(Asker(app)) as asker:
            yield app, asker, tokens


def _path(declared):
    return "/".join("zzz" if part.startswith("{") else part for part in declared.path.split("/"))


def _allowed(asker, declared, method, token=None, **headers):
    """Whether the caller got past the door; what is behind it may be missing, or not understood."""
    given = {"content-type": "application/json", **headers}
    if token is not None:
        given["authorization"] = f"Bearer {token}"
    answer = asker.ask(method, _path(declared), headers=given, body=[b"!"])
    if answer.status in (401, 403) or (answer.status == 303 and answer.headers["location"].startswith("/sign-in")):
        return False
    return not (answer.status == 404 and b"in which you hold" in answer.body)


def _walked(app):
    return [(declared, method) for declared in app.declared for method in declared.methods]


def test_every_route_answers_every_role_as_the_matrix_says(team):
    app, asker, tokens = team
    lines = []
    for declared, method in _walked(app):
        if declared.permission == PUBLIC:
            letters = "everybody"
        else:
            letters = "".join(LETTERS[role] for role in ROLES if _allowed(asker, declared, method, tokens[role])) or "-"
        lines.append(f"{method:4} {declared.path:45} {declared.permission:20} {letters}")
    assert sorted(lines) == GOLDEN.read_text().splitlines()


def test_nobody_gets_in_without_a_credential(team):
    app, asker, _ = team
    let_in = [one.path for one, method in _walked(app) if one.permission != PUBLIC and _allowed(asker, one, method)]
    assert let_in == []


@pytest.mark.parametrize("credential", ["Bearer ", "Bearer mwt_", "Basic cm9vdDpyb290", "Bearer " + "x" * 5000, "root"])
def test_a_credential_that_is_none_is_like_none(team, credential):
    _, asker, _ = team
    answer = asker.post("models.list", authorization=credential)
    assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")


def test_who_holds_no_role_may_see_themselves_and_nothing_else(team):
    app, asker, tokens = team
    let_in = {one.permission for one, method in _walked(app) if _allowed(asker, one, method, tokens["nobody"])}
    assert let_in <= {PUBLIC, "search:read", "self:read", "self:write"}


def test_a_stranger_cannot_tell_a_foreign_project_from_none(team):
    app, asker, tokens = team
    for declared, method in _walked(app):
        if declared.permission in (PUBLIC, "self:read", "self:write"):
            continue
        said = []
        for project in ("default", "nowhere"):
            headers = {
                "content-type": "application/json",
                "authorization": f"Bearer {tokens['stranger']}",
                "x-modelwright-project": project,
            }
            answer = asker.ask(method, _path(declared), headers=headers, body=[b"!"])
            said.append((answer.status, answer.body.replace(project.encode(), b"_").split(b'"request_id"')[0]))
        assert said[0] == said[1]
        assert said[0][0] == 404, declared


def test_an_address_that_is_not_there_says_nothing_to_whoever_is_not_known(team):
    _, asker, tokens = team
    for method, path in (("GET", "/nowhere"), ("POST", "/api/v1/models.nothing"), ("DELETE", "/api/v1/models.list")):
        assert asker.ask(method, path).status == 401
        known = {"authorization": f"Bearer {tokens['viewer']}"}
        assert asker.ask(method, path, headers=known).status in (404, 405)


def test_what_one_project_holds_is_absent_in_another(team):
    _, asker, tokens = team
    run = asker.post("runs.start", {"name": "secret"}, authorization=f"Bearer {tokens['contributor']}").json["id"]
    foreign = asker.post("runs.get", {"run_id": run}, authorization=f"Bearer {tokens['stranger']}")
    absent = asker.post("runs.get", {"run_id": "0" * 32}, authorization=f"Bearer {tokens['stranger']}")
    assert (foreign.status, absent.status) == (404, 404)
    assert foreign.error["message"].replace(run, "_") == absent.error["message"].replace("0" * 32, "_")
    assert json.loads(asker.post("runs.list", authorization=f"Bearer {tokens['stranger']}").body)["items"] == []

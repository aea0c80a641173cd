"""A team shares a server: each does their part, a stranger sees nothing, and who is put out is out everywhere."""

from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

import modelwright as mw
from modelwright.core.errors import Denied, NotFound
from support.challenge import home_with_both
from support.house import House, awaits, cli
from support.life import ENDPOINT

ROW = {"inputs": {"x": [0.5], "w": [0.5]}}


class Team:
    """A house with login, and tokens by user."""

    def __init__(self, house: House) -> None:
        self.house = house
        made = cli("--home", house.home, "user", "add", "root", "--token", "--json").json
        self.tokens = {"root": made["secret"]}

    def typed(self, who: str, *words: str, code: int = 0):
        """A command of somebody's, sent to the server."""
        return cli("--url", self.house.api, *words, code=code, env={"MODELWRIGHT_TOKEN": self.tokens[who]})

    def add(self, name: str, role: str, project: str = "default") -> None:
        made = self.typed("root", "user", "add", name, "--token", "--json").json
        self.typed("root", "grant", "add", role, "--user", name, "--in", project)
        self.tokens[name] = made["secret"]

    def asks(self, who: str | None) -> int:
        """The status of a question to the endpoint."""
        headers = {} if who is None else {"authorization": f"Bearer {self.tokens[who]}"}
        address = f"{self.house.serving}/endpoints/{ENDPOINT}/invocations"
        return httpx.post(address, json=ROW, headers=headers, trust_env=False).status_code

    def reads(self, who: str | None) -> int:
        """The status of a question to the API."""
        headers = {} if who is None else {"authorization": f"Bearer {self.tokens[who]}"}
        return httpx.post(f"{self.house.api}/api/v1/models.list", json={}, headers=headers, trust_env=False).status_code


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    with House(home_with_both(tmp_path_factory.mktemp("team"))) as house:
        made = Team(house)
        made.add("ada", "contributor")
        made.add("vera", "viewer")
        made.typed("root", "project", "add", "claims")
        made.add("sam", "contributor", "claims")
        yield made


def test_with_the_first_user_nobody_gets_in_without_a_credential_and_nothing_had_to_be_restarted(team):
    awaits(lambda: team.reads(None) == 401, "the api asks for a credential")
    awaits(lambda: team.asks(None) == 401, "the endpoint asks for a credential")
    page = httpx.get(f"{team.house.api}/models", trust_env=False)
    assert (page.status_code, page.headers["location"]) == (303, "/sign-in?next=%2Fmodels")
    assert cli("--url", team.house.api, "status", code=5).err.startswith("Error: This needs a credential.")


def test_each_does_what_their_role_allows(team):
    awaits(lambda: team.asks("ada") == 200, "ada may ask the endpoint")
    assert team.reads("ada") == team.reads("vera") == 200
    assert team.asks("vera") == 404
    assert "needs the permission models:write" in team.typed("vera", "model", "alias", "late@1", "best", code=5).err
    assert "contributor" in team.typed("ada", "whoami").out


def test_a_stranger_sees_nothing_and_cannot_tell_foreign_from_absent(team):
    assert team.typed("sam", "model", "list", "--json").json["items"] == []
    foreign = team.typed("sam", "--project", "default", "model", "list", code=4)
    absent = team.typed("sam", "--project", "nowhere", "model", "list", code=4)
    assert foreign.err.replace("default", "_") == absent.err.replace("nowhere", "_")
    assert team.asks("sam") == 404


def test_a_program_asks_with_its_token(team):
    with closing(mw.connect(team.house.api, token=team.tokens["ada"])) as ws:
        answer = mw.predict(ENDPOINT, {"x": [0.5], "w": [0.5]}, workspace=ws, token=team.tokens["ada"])
        assert len(answer.predictions) == 1
        scoring = ws.tokens.create("nightly scoring", scopes=("predictions:write",))
    team.tokens["scoring"] = scoring.secret
    awaits(lambda: team.asks("scoring") == 200, "the fresh token counts at the endpoint")
    assert team.reads("scoring") == 403
    with pytest.raises(Denied), closing(mw.connect(team.house.api, token="mwt_none")) as ws:
        ws.models.list()
    with pytest.raises(NotFound), closing(mw.connect(team.house.api, token=scoring.secret, project="claims")) as ws:
        ws.models.list()


def test_who_is_put_out_is_out_on_every_process(team):
    team.add("eve", "contributor")
    awaits(lambda: (team.reads("eve"), team.asks("eve")) == (200, 200), "eve is in")
    team.typed("root", "user", "disable", "eve")
    awaits(lambda: (team.reads("eve"), team.asks("eve")) == (401, 401), "eve is out")
    team.typed("root", "user", "enable", "eve")
    awaits(lambda: (team.reads("eve"), team.asks("eve")) == (200, 200), "eve is in again")
    team.typed("root", "token", "revoke", _token_of(team, "eve"), "--anybodys")
    awaits(lambda: (team.reads("eve"), team.asks("eve")) == (401, 401), "eve is out again")


def test_who_is_put_out_while_the_job_worker_is_dead_is_out_all_the_same(team):
    team.add("bob", "contributor")
    awaits(lambda: team.asks("bob") == 200, "bob is in")
    dead = team.house.kill("jobs")
    team.typed("root", "grant", "remove", "contributor", "--user", "bob")
    awaits(lambda: team.asks("bob") == 404, "bob is out")
    team.house.replaced("jobs", dead)


def _token_of(team: Team, name: str) -> str:
    return team.typed("root", "token", "list", "--user", name, "--json").json["items"][0]["id"]

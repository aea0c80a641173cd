"""A new application waits for somebody, and an endpoint ends: over HTTP, by commands, on every worker."""

from collections.abc import Iterator

import httpx
import pytest

from support.challenge import COARSE, home_with_both
from support.house import House, awaits, cli
from support.life import ENDPOINT, MODEL

ROW = {"inputs": {"x": [0.5], "w": [0.5]}}
POLICY = """
extends: minimal
phases:
  application: [{role: approver}]
  retirement: [{role: approver}]
"""


class Team:
    """A house with login, and tokens by user."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.tokens = {"root": cli("--home", house.home, "user", "add", "root", "--token", "--json").json["secret"]}
        for name, role in (("otto", "operator"), ("abel", "approver"), ("vera", "viewer")):
            kind = ("--kind", "simulated") if name == "abel" else ()
            self.tokens[name] = self.typed("root", "user", "add", name, *kind, "--token", "--json").json["secret"]
            self.typed("root", "grant", "add", role, "--user", name, "--in", "default")

    def typed(self, who: str, *words: object, code: int = 0):
        """A command of somebody's, sent to the server."""
        return cli("--url", self.house.api, *words, code=code, env={"MODELWRIGHT_TOKEN": self.tokens[who]})

    def asks(self, endpoint: str) -> httpx.Response:
        """A question of the operator's to an endpoint; whichever worker takes it."""
        headers = {"authorization": f"Bearer {self.tokens['otto']}"}
        address = f"{self.house.serving}/endpoints/{endpoint}/invocations"
        return httpx.post(address, json=ROW, headers=headers, trust_env=False)

    def signed(self, phase: str, target: str) -> None:
        """Asked by the operator, answered by the approver."""
        words = ("approval", "request", MODEL, "--phase", phase, "--target", target, "--reason", "it is time")
        request = self.typed("otto", *words, "--json").json["request"]["id"]
        self.typed("abel", "approval", "sign", request, "--as", "approver", "--reason", "I have seen the desk")


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    with House(home_with_both(tmp_path_factory.mktemp("team"))) as house:
        made = Team(house)
        policy = house.home.parent / "policy.yaml"
        policy.write_text(POLICY)
        made.typed("abel", "policy", "publish", policy)
        yield made


def test_where_it_answers_already_nobody_is_asked_and_elsewhere_somebody_is(team):
    team.typed("otto", "endpoint", "deploy", ENDPOINT, COARSE)
    refused = team.typed("otto", "endpoint", "deploy", "desk", COARSE, code=3)
    assert "phase-application.approver" in refused.out
    assert "modelwright approval request late --phase application --target desk --reason WHY" in refused.out
    team.signed("application", "desk")
    team.typed("otto", "endpoint", "deploy", "desk", COARSE)
    awaits(lambda: team.asks("desk").status_code == 200, "the new endpoint answers")
    stands = team.typed("vera", "model", "phases", MODEL, "--json").json
    assert {(one["phase"], one["subject"]) for one in stands if one["asked"]} == {
        ("application", "desk"),
        ("application", ENDPOINT),
        ("retirement", None),
    }


def test_an_endpoint_ends_on_every_worker_once_somebody_has_signed_and_begins_again(team):
    assert team.typed("otto", "endpoint", "retire", ENDPOINT, "--reason", "nobody asks", code=3)
    assert team.asks(ENDPOINT).status_code == 200
    team.signed("retirement", ENDPOINT)
    assert "was retired on" in team.typed("otto", "endpoint", "retire", ENDPOINT, "--reason", "nobody asks").out
    awaits(lambda: {team.asks(ENDPOINT).status_code for _ in range(20)} == {410}, "every worker says that it is gone")
    assert "Nothing answers here any more." in team.asks(ENDPOINT).json()["message"]
    assert team.asks("desk").status_code == 200
    assert "was retired on" in team.typed("otto", "endpoint", "deploy", ENDPOINT, COARSE, code=1).err
    assert "retired" in team.typed("vera", "endpoint", "list").out
    team.typed("otto", "endpoint", "reopen", ENDPOINT)
    awaits(lambda: {team.asks(ENDPOINT).status_code for _ in range(20)} == {404}, "there is nothing there yet")
    team.typed("otto", "endpoint", "deploy", ENDPOINT, COARSE)
    awaits(lambda: {team.asks(ENDPOINT).status_code for _ in range(20)} == {200}, "it answers again")


def test_pages_show_it_to_whoever_may_read(team):
    team.signed("retirement", "desk")
    team.typed("otto", "endpoint", "retire", "desk", "--reason", "the desk is closed")
    headers = {"authorization": f"Bearer {team.tokens['vera']}"}
    page = httpx.get(f"{team.house.api}/endpoints/desk", headers=headers, trust_env=False)
    assert page.status_code == 200
    assert "nothing answers there any more" in page.text
    assert "the desk is closed" in page.text
    model = httpx.get(f"{team.house.api}/models/{MODEL}", headers=headers, trust_env=False).text
    assert "Phases" in model

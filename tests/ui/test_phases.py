"""What people are asked in the phases of a model's life, as they see it, and that something has ended."""

import httpx
import pytest

from support.homes import live
from support.phases import DATA, MODEL, Team


@pytest.fixture(scope="module")
def team(tmp_path_factory):
    made = Team(tmp_path_factory.mktemp("team"))
    made.version = made.answering()
    with live(made.platform) as url:
        made.url = url
        yield made
    made.platform.close()


def page(team, who, path):
    headers = {"authorization": f"Bearer {team.secrets[who]}"}
    answer = httpx.get(f"{team.url}{path}", headers=headers, trust_env=False)
    assert answer.status_code == 200, answer.text
    return answer.text


def test_a_request_says_what_is_to_be_signed_and_lets_sign_only_who_may(team):
    team.charter(decision="warn the desk")
    request = team.asked("data", DATA)
    assert "the use of questions for late" in page(team, "vera", "/approvals")
    seen = page(team, "vera", f"/approvals/{request}")
    assert "warn the desk" in seen
    assert "You sign the use of questions for late, under the charter and the policy in force" in seen
    assert "Its columns" in seen
    assert 'action="/do/approvals.sign"' in seen
    for who in ("ada", "abel"):
        assert 'action="/do/approvals.sign"' not in page(team, who, f"/approvals/{request}")
    assert "nobody signs their own work" in page(team, "ada", f"/approvals/{request}")


def test_a_models_page_says_how_each_phase_stands(team):
    seen = page(team, "otto", f"/models/{MODEL}")
    for said in ("Phases", "lateness", "has answered as lateness before", "--phase training"):
        assert said in seen
    team.signed("training")
    assert "abel" in page(team, "otto", f"/models/{MODEL}")


def test_what_has_ended_says_so_with_who_and_why(team):
    for subject in ("lateness", None):
        team.signed("retirement", subject)
    assert "/do/endpoints.retire" in page(team, "otto", "/endpoints/lateness")
    assert team.otto.endpoints.retire("lateness", "the desk <b> is closed").retirement
    seen = page(team, "otto", "/endpoints/lateness")
    assert "nothing answers there any more" in seen
    assert "the desk &lt;b&gt; is closed" in seen
    assert "otto" in seen
    assert 'action="/do/endpoints.reopen"' in seen
    assert 'action="/do/endpoints.reopen"' not in page(team, "vera", "/endpoints/lateness")
    assert "retired" in page(team, "otto", "/endpoints")
    assert team.ada.models.retire(MODEL, "replaced").retirement
    assert "nobody relies on it any more" in page(team, "otto", f"/models/{MODEL}")
    assert 'class="tag">retired' in page(team, "otto", "/models")

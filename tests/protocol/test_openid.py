"""A real OpenID provider, in a process of its own, vouches for people."""

import re
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from modelwright.core.errors import Denied, Invalid, Unavailable
from modelwright.server.provider import Config, Errand, Provider
from support.homes import fresh_platform, live
from support.house import awaits
from support.people import begin_login, do

ADA = {
    "name": "Ada <b>Lovelace</b>",
    "email": "ada@example.org",
    "email_verified": True,
    "teams": ["board", "../etc", "lab"],
}


@pytest.fixture(scope="module")
def issuer():
    """The provider's address."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "oidc_provider_mock",
        "--port",
        str(port),
        "--require-nonce",
        "true",
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        address = f"http://127.0.0.1:{port}"
        awaits(lambda: _answers(address), "the provider answers")
        _known(address, "ada", ADA)
        yield address
        process.terminate()


def _answers(address):
    try:
        return httpx.get(f"{address}/.well-known/openid-configuration", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def _known(address, subject, claims):
    """Tell the provider of somebody."""
    assert httpx.put(f"{address}/users/{subject}", json=claims, trust_env=False).status_code < 300


@contextmanager
def a_home(tmp_path, monkeypatch, issuer, **more):
    """A home with login whose people the provider vouches for, and a browser."""
    settings = {"ISSUER": issuer, "CLIENT_ID": "modelwright", "CLIENT_SECRET": "of the provider's", **more}
    for name, value in settings.items():
        monkeypatch.setenv(f"MODELWRIGHT_OIDC_{name}", value)
    with closing(fresh_platform(tmp_path)) as platform:
        begin_login(platform)
        with live(platform) as url, httpx.Client(base_url=url, trust_env=False) as browser:
            yield platform, browser


def sent_out(browser, after="/account"):
    """The address at the provider that the browser is sent to."""
    answer = browser.get(f"/sign-in/provider?{urlencode({'next': after})}")
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def agreed(address, subject="ada"):
    """Somebody signs in at the provider; the address they are sent back to."""
    with httpx.Client(trust_env=False) as there:
        answer = there.post(address, data={"sub": subject})
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


def signed_in(browser, subject="ada", after="/account"):
    return browser.get(agreed(sent_out(browser, after), subject))


def test_whoever_the_provider_vouches_for_is_in_without_a_role(tmp_path, monkeypatch, issuer):
    with a_home(tmp_path, monkeypatch, issuer) as (platform, browser):
        answer = signed_in(browser)
        assert (answer.status_code, answer.headers["location"]) == (303, "/account")
        assert "You hold no role in default" in browser.get("/account").text
        found = do(platform, "users.get", name="ada@example.org")
        assert (found.display, found.provider, found.groups) == ("Ada <b>Lovelace</b>", issuer, ())
        assert "Ada &lt;b&gt;Lovelace" in browser.get("/account").text
        kinds = [entry.envelope.kind for entry in do(platform, "ledger.list", limit=3).items]
        assert kinds[:2] == ["access.signed_in", "access.user_added"]


def test_who_comes_again_is_the_same_user_whatever_they_are_called_now(tmp_path, monkeypatch, issuer):
    with a_home(tmp_path, monkeypatch, issuer) as (platform, browser):
        signed_in(browser)
        _known(issuer, "ada", {**ADA, "email": "countess@example.org"})
        signed_in(browser)
        _known(issuer, "ada", ADA)
        assert [user.name for user in do(platform, "users.list").items] == ["ada@example.org", "root"]


def test_groups_come_with_every_sign_in_and_give_roles(tmp_path, monkeypatch, issuer):
    with a_home(tmp_path, monkeypatch, issuer, GROUPS_CLAIM="teams") as (platform, browser):
        do(platform, "grants.add", role="approver", project="default", group="board")
        signed_in(browser)
        assert do(platform, "users.get", name="ada@example.org").groups == ("board", "lab")
        page = browser.get("/account").text
        assert "You are approver in default." in page
        assert re.search(r"You sign as</dt><dd>approver", page)  # nobody here made or knows what they signed in with
        _known(issuer, "ada", {**ADA, "teams": []})
        signed_in(browser)
        _known(issuer, "ada", ADA)
        assert do(platform, "users.get", name="ada@example.org").groups == ()


def test_a_provider_does_not_take_over_a_user_of_the_same_name(tmp_path, monkeypatch, issuer):
    with a_home(tmp_path, monkeypatch, issuer) as (platform, browser):
        do(platform, "users.add", name="ada@example.org", password="a sentence of mine")
        signed_in(browser)
        found = [user for user in do(platform, "users.list").items if user.name.startswith("ada")]
        local, vouched = sorted(found, key=lambda user: user.provider or "")
        assert (local.name, local.provider) == ("ada@example.org", None)
        assert re.fullmatch(r"ada-[0-9a-f]{6}@example\.org", vouched.name)


def test_a_mail_address_that_is_not_verified_names_nobody(tmp_path, monkeypatch, issuer):
    _known(issuer, "eve", {"email": "root@example.org", "email_verified": False, "preferred_username": "eve"})
    with a_home(tmp_path, monkeypatch, issuer) as (platform, browser):
        signed_in(browser, "eve")
        assert [user.name for user in do(platform, "users.list").items] == ["eve", "root"]


def test_who_is_disabled_here_stays_out_whatever_the_provider_says(tmp_path, monkeypatch, issuer):
    with a_home(tmp_path, monkeypatch, issuer) as (platform, browser):
        signed_in(browser)
        do(platform, "users.disable", name="ada@example.org")
        answer = signed_in(browser)
        assert answer.status_code == 403
        assert "no longer sign in" in answer.text


def test_an_answer_that_another_browser_asked_for_lets_nobody_in(tmp_path, monkeypatch, issuer):
    with a_home(tmp_path, monkeypatch, issuer) as (_, browser):
        stolen = agreed(sent_out(browser))
        with httpx.Client(base_url=browser.base_url, trust_env=False) as other:
            assert other.get(stolen).status_code == 403
            sent_out(other)
            assert other.get(stolen).status_code == 403  # another state
        assert browser.get(stolen).status_code == 303
        again = browser.get(stolen)
        assert again.status_code == 403  # the code was for once


def test_a_provider_that_refuses_is_told_on_the_page(tmp_path, monkeypatch, issuer):
    with a_home(tmp_path, monkeypatch, issuer) as (_, browser):
        state = parse_qs(urlsplit(sent_out(browser)).query)["state"][0]
        answer = browser.get(f"/sign-in/callback?error=%3Cb%3Eaccess_denied&state={state}")
        assert answer.status_code == 403
        assert "&lt;b&gt;access_denied" in answer.text


def test_nobody_is_led_to_another_site_after_signing_in(tmp_path, monkeypatch, issuer):
    with a_home(tmp_path, monkeypatch, issuer) as (_, browser):
        for elsewhere in ("https://evil.example/", "//evil.example", "/\\evil.example"):
            assert signed_in(browser, after=elsewhere).headers["location"] == "/"


def _code(issuer, errand):
    """A fresh code for an errand, and where it came back to."""
    provider = Provider(Config(issuer=issuer, client_id="modelwright", client_secret="of the provider's"))
    back = "http://127.0.0.1:9/sign-in/callback"
    came = agreed(provider.way_out(errand, back))
    return parse_qs(urlsplit(came).query)["code"][0], back


@pytest.mark.parametrize(
    ("config", "clock", "why"),
    [
        ({"client_id": "somebody-else"}, 0, "does not vouch|does not count"),
        ({}, 7200, "does not count"),
    ],
)
def test_a_token_for_another_client_or_that_has_expired_does_not_count(issuer, config, clock, why):
    errand = Errand.begin("/")
    code, back = _code(issuer, errand)
    provider = Provider(
        Config(issuer=issuer, client_secret="of the provider's", **{"client_id": "modelwright", **config}),
        clock=lambda: time.time() + clock,
    )
    with pytest.raises(Denied, match=why):
        provider.vouched(errand, code, back)


def test_a_token_that_was_not_made_for_this_errand_does_not_count(issuer):
    code, back = _code(issuer, Errand.begin("/"))
    with pytest.raises(Denied, match="does not count"):
        Provider(Config(issuer=issuer, client_id="modelwright", client_secret="of the provider's")).vouched(
            Errand.begin("/"), code, back
        )


def test_an_address_that_others_could_read_along_is_refused():
    with pytest.raises(Invalid, match="not https"):
        Provider(Config(issuer="http://login.example.org", client_id="modelwright"))


def test_a_provider_that_does_not_answer_or_is_another_is_said(issuer):
    for address, why in (("http://127.0.0.1:9", "does not answer"), (f"{issuer}/nowhere", "does not answer as")):
        with pytest.raises(Unavailable, match=why):
            Provider(Config(issuer=address, client_id="m")).way_out(Errand.begin("/"), "http://127.0.0.1/x")

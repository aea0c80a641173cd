"""A browser signs in, and an admin lets somebody in."""

from contextlib import closing

import pytest

from modelwright.access.credentials import SHOWN, hashed, new_token
from support.homes import fresh_platform, live
from support.people import TOKEN, begin_login, do


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with closing(fresh_platform(tmp_path_factory.mktemp("shared"))) as platform:
        begin_login(platform, "contributor", "auditor")
        do(platform, "projects.add", name="claims")
        with live(platform) as url:
            yield platform, url


def sign_in(tab, url, password, name=""):
    tab.page.goto(f"{url}/")
    tab.page.fill("input[name=name]", name)
    tab.page.fill("input[name=password]", password)
    tab.page.click("text=Sign in >> nth=-1")


def heading(tab):
    return tab.page.locator("h1").inner_text()


def test_who_signs_in_comes_to_where_they_wanted(tab, shared):
    _, url = shared
    tab.page.goto(f"{url}/people?after=a")
    assert heading(tab) == "Sign in"
    tab.page.fill("input[name=password]", TOKEN)
    tab.page.click("button.main")
    assert tab.page.url == f"{url}/people?after=a"
    assert tab.complaints == []


def test_a_wrong_password_is_said_on_the_page(tab, shared):
    _, url = shared
    sign_in(tab, url, "not it at all", "root")
    assert "name or the password is wrong" in tab.page.locator("[role=alert]").inner_text()


def test_a_limited_token_opens_no_session(tab, shared):
    platform, url = shared
    secret = new_token()
    given = {"digest": hashed(secret), "shown": secret[:SHOWN], "purpose": "scoring", "scopes": ["predictions:write"]}
    do(platform, "tokens.give", user="root", **given)
    sign_in(tab, url, secret)
    assert "limited to something else" in tab.page.locator("[role=alert]").inner_text()


def test_an_admin_lets_somebody_in_who_then_signs_in_and_takes_a_password_of_their_own(tab, shared, browser):
    platform, url = shared
    sign_in(tab, url, TOKEN)
    tab.page.goto(f"{url}/people")
    form = tab.page.locator("form[action='/do/users.add']")
    form.locator("[name=name]").fill("ada")
    form.locator("[name=display]").fill("Ada <b>Lovelace</b>")
    form.locator("[name=password]").fill("told on the telephone")
    form.locator("button").click()
    tab.page.wait_for_selector("td:has-text('Ada <b>Lovelace</b>')")
    form = tab.page.locator("form[action='/do/grants.add']")
    form.locator("[name=user]").select_option("ada")
    form.locator("[name=role]").select_option("approver")
    form.locator("button").click()
    tab.page.wait_for_selector("tr:has-text('ada') >> text=approver")
    assert tab.complaints == []
    with closing(browser.new_context()) as context:
        page = context.new_page()
        page.goto(f"{url}/account")
        page.fill("input[name=name]", "ada")
        page.fill("input[name=password]", "told on the telephone")
        page.click("button.main")
        assert page.locator("h1").inner_text() == "You are approver in default."
        assert "Somebody else made what you signed in with" in page.inner_text("main")
        page.fill("form[action='/do/users.change_password'] [name=password]", "known to me alone")
        page.click("text=Change it, and sign in again")
        assert page.locator("h1").inner_text() == "Sign in"
        page.fill("input[name=name]", "ada")
        page.fill("input[name=password]", "known to me alone")
        page.click("button.main")
        page.goto(f"{url}/account")
        assert "approver" in page.locator("dt:has-text('You sign as') + dd").inner_text()
    assert do(platform, "users.get", name="ada").given is False


def test_a_token_is_shown_once_and_can_be_revoked(tab, shared):
    _, url = shared
    sign_in(tab, url, TOKEN)
    tab.page.goto(f"{url}/account")
    tab.page.fill("form[action='/do/token'] [name=purpose]", "nightly <i>scoring</i>")
    tab.page.click("text=Make a token")
    assert tab.page.locator("code").first.inner_text().startswith("mwt_")
    tab.page.goto(f"{url}/account")
    row = tab.page.locator("tr:has-text('nightly <i>scoring</i>')")
    row.locator("text=Revoke").click()
    tab.page.wait_for_selector("tr:has-text('nightly') >> text=revoked")
    assert tab.complaints == []


def test_a_project_is_chosen_and_a_session_ended(tab, shared):
    _, url = shared
    sign_in(tab, url, TOKEN)
    tab.page.locator(".me select").select_option("claims")
    tab.page.click(".me >> text=Go")
    assert tab.page.locator(".me select").input_value() == "claims"
    tab.page.click("text=Sign out")
    assert heading(tab) == "Sign in"
    tab.page.goto(f"{url}/models")
    assert heading(tab) == "Sign in"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_pages_of_people_fit_their_window(browser, shared, scheme, width):
    _, url = shared
    with closing(browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)) as context:
        page = context.new_page()
        for path in ("/sign-in", "/people", "/account"):
            page.goto(url + path)
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
            if path == "/sign-in":
                page.fill("input[name=password]", TOKEN)
                page.click("button.main")

"""Somebody lets another sign for them, who does so, and an admin ends it: all of it on the pages."""

from contextlib import closing

import pytest

from modelwright.access.credentials import SHOWN, hashed, new_token
from support.homes import live
from support.people import do
from support.signing import Team


@pytest.fixture
def team(tmp_path):
    made = Team(tmp_path)
    do(made.platform, "users.add", name="dora", kind="simulated")
    with closing(made.platform):
        yield made


def arriving(context, platform, url, name):
    """Somebody's browser, signed in."""
    secret, page = new_token(), context.new_page()
    do(platform, "tokens.give", user=name, digest=hashed(secret), shown=secret[:SHOWN], purpose="browser")
    page.goto(f"{url}/")
    page.fill("input[name=password]", secret)
    page.click("button.main")
    return page


def test_somebody_signs_for_another_on_the_pages(team, browser):
    request = team.asked()
    with live(team.platform) as url:
        with closing(browser.new_context()) as context:
            page = arriving(context, team.platform, url, "abel")
            page.goto(f"{url}/approvals")
            form = page.locator("form[action='/do/delegations.add']")
            form.locator("[name=to]").fill("dora")
            form.locator("[name=reason]").fill("at sea <b>")
            form.locator("button").click()
            page.wait_for_selector("#delegations td:has-text('at sea <b>')")
        with closing(browser.new_context()) as context:
            page = arriving(context, team.platform, url, "dora")
            page.goto(f"{url}/approvals")
            assert "can sign for abel" in page.inner_text("main")
            assert page.locator("form[action='/do/delegations.add']").count() == 0
            page.goto(f"{url}/approvals/{request}")
            form = page.locator("form[action='/do/approvals.sign']")
            assert form.count() == 1
            form.locator("[name=reason]").fill("he would")
            form.locator("text=Sign for abel").click()
            page.wait_for_selector("td:has-text('dora (simulated) for abel (simulated)')")
            page.goto(f"{url}/account")
            assert "abel (simulated) as approver until" in page.inner_text("main")
        with closing(browser.new_context()) as context:
            page = arriving(context, team.platform, url, "root")
            page.goto(f"{url}/people")
            page.locator("form[action='/do/delegations.end'] button").click()
            page.wait_for_load_state()
            assert page.locator("form[action='/do/delegations.end']").count() == 0
    [signed] = team.ada.approvals.get(request).signatures
    assert signed.people == {team.ids["abel"], do(team.platform, "users.get", name="dora").id}
    assert team.ada.delegations.list().items == []

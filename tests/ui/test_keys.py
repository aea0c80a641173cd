"""The keyboard does what the help says."""

import pytest

pytestmark = pytest.mark.browser


def test_slash_puts_the_cursor_into_the_search_and_enter_goes_there(tab, site):
    tab.page.goto(site + "/runs")
    tab.page.keyboard.press("/")
    tab.page.keyboard.type("flight-delay@3")
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_url("**/models/flight-delay/3")


@pytest.mark.parametrize(
    ("letter", "path"),
    [
        ("o", "/"),
        ("d", "/data"),
        ("p", "/pipelines"),
        ("r", "/runs"),
        ("m", "/models"),
        ("e", "/endpoints"),
        ("l", "/lineage"),
        ("b", "/ledger"),
    ],
)
def test_g_and_a_letter_goes(tab, site, letter, path):
    tab.page.goto(site + "/search")
    tab.page.keyboard.press("g")
    tab.page.keyboard.press(letter)
    tab.page.wait_for_url(site + path)


def test_j_and_k_walk_the_rows_and_enter_opens_one(tab, site):
    tab.page.goto(site + "/models")
    focused = "document.activeElement.textContent"
    tab.page.keyboard.press("j")
    assert tab.page.evaluate(focused) == "carrier-rates"
    tab.page.keyboard.press("j")
    assert tab.page.evaluate(focused) == "flight-delay"
    tab.page.keyboard.press("k")
    assert tab.page.evaluate(focused) == "carrier-rates"
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_url("**/models/carrier-rates")


def test_a_question_mark_explains_and_escape_ends_it(tab, site):
    tab.page.goto(site + "/")
    tab.page.keyboard.press("?")
    assert tab.page.locator("#help").is_visible()
    tab.page.keyboard.press("Escape")
    assert not tab.page.locator("#help").is_visible()


def test_keys_typed_into_a_field_are_text(tab, site):
    tab.page.goto(site + "/runs")
    tab.page.locator("#name").fill("")
    tab.page.locator("#name").press_sequentially("g?j/")
    assert tab.page.locator("#name").input_value() == "g?j/"
    assert not tab.page.locator("#help").is_visible()


def test_a_digest_is_copied_whole(browser, site):
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(site + "/models/flight-delay/3")
    whole = page.locator(".facts .digest").first.get_attribute("title")
    page.locator(".facts .digest").first.click()
    page.locator("#said.on").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == whole
    assert len(whole) == 64
    context.close()

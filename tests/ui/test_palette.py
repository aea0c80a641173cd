"""Ctrl-K finds anything by the keyboard alone, as WAI-ARIA's practices say a combobox does; without script, a page does."""

import re
from contextlib import closing

import pytest

from ui.conftest import opened
from ui.test_hostile_names import LONG, QUOTES, SCRIPT
from ui.test_hostile_names import written as written  # noqa: PLC0414  # a fixture of that module

pytestmark = pytest.mark.browser

FOCUSED = "document.activeElement.getAttribute('role')"


@pytest.fixture
def palette(tab, site):
    """The palette, opened over a page by the keyboard."""
    tab.page.goto(site + "/runs")
    tab.page.keyboard.press("Control+k")
    tab.page.locator("#palette").wait_for()
    return tab


def typed(tab, words):
    """Type, and wait until the palette says what came of it."""
    tab.page.keyboard.type(words)
    tab.page.locator("#palette [role=status]", has_text=re.compile(r"found|Nothing")).wait_for()
    return tab.page.locator("#palette [role=option]")


def active(tab):
    """The option that a screen reader reads."""
    return tab.page.evaluate(
        "document.getElementById(document.activeElement.getAttribute('aria-activedescendant'))?.innerText ?? ''"
    )


@pytest.mark.parametrize("keys", ["Control+k", "Meta+k"])
def test_the_palette_opens_from_every_page_and_closes_again(tab, site, keys):
    for path in ("/", "/models/flight-delay/3", "/ledger"):
        tab.page.goto(site + path)
        tab.page.keyboard.press(keys)
        assert tab.page.locator("#palette").is_visible()
        assert tab.page.evaluate(FOCUSED) == "combobox"
        tab.page.keyboard.press(keys)
        assert not tab.page.locator("#palette").is_visible()
    assert tab.complaints == []


def test_arrows_choose_enter_opens(palette):
    options = typed(palette, "flight-delay")
    assert options.count() > 3
    assert "flight-delay" in active(palette)
    names = [text.split("\n")[1] for text in options.all_inner_texts()]
    palette.page.keyboard.press("ArrowUp")
    assert active(palette).split("\n")[1] == names[-1]
    palette.page.keyboard.press("ArrowDown")
    palette.page.keyboard.press("ArrowDown")
    assert active(palette).split("\n")[1] == names[1]
    assert palette.page.locator("#palette [aria-selected=true]").count() == 1
    goal = palette.page.locator("#palette [aria-selected=true] a").get_attribute("href")
    palette.page.keyboard.press("Enter")
    palette.page.wait_for_url(f"**{goal}")


def test_escape_closes_it_and_the_focus_is_where_it_was(tab, site):
    tab.page.goto(site + "/models")
    tab.page.keyboard.press("j")
    before = tab.page.evaluate("document.activeElement.textContent")
    tab.page.keyboard.press("Control+k")
    typed(tab, "runs")
    tab.page.keyboard.press("Escape")
    assert not tab.page.locator("#palette").is_visible()
    assert tab.page.evaluate("document.activeElement.textContent") == before == "carrier-rates"


def test_tab_does_not_lead_out_of_it_and_its_keys_are_no_keys_of_the_page(palette):
    typed(palette, "gm?j")
    for _ in range(4):
        palette.page.keyboard.press("Tab")
        assert palette.page.evaluate(FOCUSED) == "combobox"
    assert palette.page.locator("#palette input").input_value() == "gm?j"
    assert not palette.page.locator("#help").is_visible()
    assert palette.page.url.endswith("/runs")


def test_its_parts_say_to_a_screen_reader_what_they_are(palette):
    field = palette.page.get_by_role("combobox", name="Find anything")
    assert field.get_attribute("aria-expanded") == "false"
    listed = palette.page.locator(f"#{field.get_attribute('aria-controls')}")
    assert listed.get_attribute("role") == "listbox"
    typed(palette, "delay")
    assert field.get_attribute("aria-expanded") == "true"
    assert field.get_attribute("aria-activedescendant") == listed.locator("[role=option]").first.get_attribute("id")
    assert "found" in palette.page.locator("#palette").get_by_role("status").inner_text()


def test_the_newest_question_is_the_one_that_is_answered(palette):
    """An answer that comes late to an earlier question is not shown."""
    held = []

    def hold(route):
        held.append(route)

    palette.page.route("**/search?as=options&q=carrier", hold)
    palette.page.keyboard.type("carrier")
    palette.page.locator("#palette input").evaluate("field => new Promise(done => setTimeout(done, 200))")
    palette.page.locator("#palette input").fill("flight-context")
    palette.page.locator("#palette [role=option]", has_text="flight-context").first.wait_for()
    for route in held:
        route.abort()
    assert "flight-context" in active(palette)
    assert palette.page.locator("#palette [role=option]", has_text="carrier-rates").count() == 0


def test_pages_and_what_is_done_on_them_are_found_too(palette):
    assert typed(palette, "led").first.inner_text().split("\n") == ["page", "Ledger"]
    palette.page.keyboard.press("Enter")
    palette.page.wait_for_url("**/ledger")


def test_an_id_is_found_by_its_beginning_and_opened(palette, site, story):
    typed(palette, story.runs[-1][:20])
    palette.page.keyboard.press("Enter")
    palette.page.wait_for_url(f"{site}/runs/{story.runs[-1]}")


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_its_window(browser, site, width, scheme):
    with closing(browser.new_context(viewport={"width": width, "height": 700}, color_scheme=scheme)) as context:
        tab = opened(context.new_page())
        tab.page.goto(site + "/")
        tab.page.keyboard.press("Control+k")
        typed(tab, "a")
        box = tab.page.locator("#palette").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= 700
        assert tab.complaints == []


@pytest.mark.parametrize("words", [SCRIPT, QUOTES, LONG[:6], "bold"])
def test_hostile_names_are_text_in_it(palette, written, words):
    palette.page.on("dialog", lambda _: pytest.fail("a script ran"))
    options = typed(palette, words[:190])
    assert palette.page.locator("#palette li :is(script, img, b, style)").count() == 0
    assert "owned" not in palette.page.title()
    assert palette.complaints == []
    if words == LONG[:6]:
        assert LONG in options.first.inner_text()


def test_a_server_that_does_not_answer_is_said(palette):
    palette.page.route("**/search?as=options*", lambda route: route.abort())
    palette.page.keyboard.type("delay")
    palette.page.locator("#palette [role=status]", has_text="does not answer").wait_for()


def test_without_script_the_page_does_the_same(browser, site):
    with closing(browser.new_context(java_script_enabled=False)) as context:
        page = context.new_page()
        page.goto(site + "/runs")
        page.locator("#find").fill("delay")
        page.locator("#find").press("Enter")
        page.wait_for_url("**/search?q=delay")
        assert "could be meant" in page.locator("h1").inner_text()
        page.get_by_role("link", name="flight-delay@3", exact=True).click()
        page.wait_for_url("**/models/flight-delay/3")


@pytest.mark.parametrize(
    ("words", "path"),
    [("flight-delay@latest", "/models/flight-delay/latest"), ("flights@1", "/data/flights/1"), ("flight-context@1", "/features/flight-context/1")],
)  # fmt: skip
def test_a_reference_leads_straight_there(tab, site, words, path):
    tab.page.goto(f"{site}/search?q={words}")
    assert tab.page.url == site + path


def test_everything_found_has_its_page(tab, site, story):
    """No option leads nowhere."""
    hrefs = set()
    for words in ("delay", "flight", "a", "retrain", "moved", "minimal", "3", story.prediction, story.execution[:9]):
        tab.page.goto(f"{site}/search?as=options&q={words}")
        hrefs |= {link.get_attribute("href") for link in tab.page.locator("a").all()}
    assert len(hrefs) > 12
    for href in sorted(hrefs):
        assert tab.page.goto(site + href).status == 200, href

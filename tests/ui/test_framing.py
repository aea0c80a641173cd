"""What is taken for granted, written down and decided on pages."""

from support.dashboard import MODEL
from support.story import charter_of


def test_an_assumption_is_written_down_where_the_data_is_and_says_when_it_is_outdated(tab, site, story):
    tab.page.goto(f"{site}/data/flights/1")
    tab.page.locator("summary:has-text('Write down an assumption')").click()
    form = tab.page.locator("form[action='/do/assumptions.record']")
    form.locator("[name=name]").fill("distance-in-miles")
    form.locator("[name=statement]").fill("A distance is in <b>miles</b>.")
    form.locator("[name=reason]").fill("The airline says so.")
    form.locator("[name=column]").select_option("distance")
    form.locator("button").click()
    row = tab.page.locator("tr:has-text('distance-in-miles')")
    assert "A distance is in <b>miles</b>." in row.inner_text()
    assert "judged on flights@1, newest is @2" in row.inner_text()
    row.locator("a").first.click()
    assert "distance-in-miles is outdated" in tab.page.locator("body").inner_text()
    tab.page.locator("form[action='/do/assumptions.withdraw'] [name=reason]").fill("It was kilometres.")
    tab.page.locator("form[action='/do/assumptions.withdraw'] button").click()
    tab.page.wait_for_selector("text=distance-in-miles is withdrawn: It was kilometres.")
    assert story.workspace.assumptions.get("distance-in-miles").said.withdrawn == "It was kilometres."
    assert tab.complaints == []


def test_a_feature_s_assumption_is_written_down_on_its_view(tab, site, story):
    tab.page.goto(f"{site}/features/flight-context/1")
    tab.page.locator("summary:has-text('Write down an assumption')").click()
    form = tab.page.locator("form[action='/do/assumptions.record']")
    for name, words in (("name", "context-is-complete"), ("statement", "None is missing."), ("reason", "Counted.")):
        form.locator(f"[name={name}]").fill(words)
    form.locator("button").click()
    tab.page.wait_for_selector("tr:has-text('context-is-complete')")
    assert story.workspace.assumptions.get("context-is-complete").said.assumption.view.ref == "flight-context@1"
    assert tab.complaints == []


def test_a_model_that_was_never_made_has_a_page_that_says_that_stopping_is_a_success(tab, site):
    tab.page.goto(f"{site}/models")
    tab.page.click("a:has-text('taxi-demand')")
    words = tab.page.locator("body").inner_text()
    assert "taxi-demand has stopped" in words
    assert "Stopping early is a success" in words
    assert tab.page.goto(f"{site}/models/taxi-demand").status == 200
    assert tab.page.goto(f"{site}/models/nobody-ever").status == 404


def test_a_charter_without_any_version_is_shown(tab, site, story):
    particulars = {
        "business_case": "A bus costs <b>500</b> a day.",
        "stakeholders": [{"who": "riders", "role": "are affected"}],
        "consumers": [{"who": "depot", "purpose": "how many buses"}],
        "use": ["batch"],
        "resources": ["a week"],
        "dates": {"review": "2020-01-01"},
    }
    story.workspace.charters.publish("bus-demand", charter_of(**particulars))
    tab.page.goto(f"{site}/models/bus-demand")
    words = tab.page.locator("body").inner_text()
    for said in (
        "A bus costs <b>500</b> a day.",
        "riders",
        "are affected",
        "depot (how many buses)",
        "batch",
        "a week",
    ):
        assert said in words
    assert "2020-01-01 overdue" in words
    assert tab.complaints == []


def test_whether_a_model_is_worth_making_is_decided_on_its_page(tab, site, story):
    story.workspace.charters.publish("tram-demand", charter_of(baseline=MODEL))
    tab.page.goto(f"{site}/models/tram-demand/feasibility")
    form = tab.page.locator("form[action='/do/feasibility.decide']")
    form.locator("[name=says]").select_option("no_ml")
    form.locator("[name=stage]").select_option("after")
    form.locator("[name=reason]").fill("The timetable is as good.")
    options = form.locator("[name=evidence] option")
    form.locator("[name=evidence]").select_option([options.nth(place).get_attribute("value") for place in (0, 1)])
    form.locator("button").click()
    tab.page.wait_for_selector("text=tram-demand goes on without machine learning")
    found = story.workspace.feasibility.get("tram-demand")
    assert (found.says, found.stage, len(found.evidence)) == ("no_ml", "after", 2)
    assert tab.complaints == []

"""Every page in a real browser: it says something, fits, and keeps to itself."""

import shlex
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from typer.core import TyperGroup
from typer.main import get_command

from modelwright.cli.main import app
from modelwright.ui.routes import PAGES
from ui.conftest import opened

pytestmark = pytest.mark.browser

MOST_NODES = 5000
FILLED = {
    "/": "/",
    "/search": "/search?q=fl",
    "/data": "/data",
    "/data/{name}": "/data/flights",
    "/data/{name}/{version}": "/data/flights/2",
    "/assumptions": "/assumptions",
    "/assumptions/{name}": "/assumptions/temp-is-celsius",
    "/features": "/features",
    "/features/{name}": "/features/flight-context",
    "/features/{name}/{version}": "/features/flight-context/1",
    "/pipelines": "/pipelines",
    "/pipelines/{name}": "/pipelines/retrain",
    "/executions/{execution_id}": "/executions/{execution}",
    "/runs": "/runs",
    "/runs/{run_id}": "/runs/{run}",
    "/models": "/models",
    "/models/{name}": "/models/flight-delay",
    "/models/{name}/feasibility": "/models/flight-delay/feasibility",
    "/models/{name}/risks": "/models/flight-delay/risks",
    "/models/{name}/{version}": "/models/flight-delay/3",
    "/models/{name}/{version}/documents": "/models/flight-delay/3/documents",
    "/models/{name}/{version}/documents/{kind}": "/models/flight-delay/3/documents/technical_file",
    "/endpoints": "/endpoints",
    "/endpoints/{name}": "/endpoints/delays",
    "/endpoints/{name}/rollout": "/endpoints/delays/rollout",
    "/rollouts/{id}": "/rollouts/{rollout}",
    "/monitors": "/monitors",
    "/monitors/{name}": "/monitors/delays",
    "/alerts": "/alerts?which=all",
    "/alerts/{id}": "/alerts/{alert}",
    "/approvals": "/approvals",
    "/approvals/{id}": "/approvals/{approval}",
    "/trace": "/trace",
    "/trace/{id}": "/trace/{prediction}",
    "/lineage": "/lineage?of=model:flight-delay@3",
    "/ledger": "/ledger",
    "/ledger/{seq}": "/ledger/9",
    "/notifications": "/notifications",
    "/people": "/people",
    "/account": "/account",
}
FILES = {
    "/ledger/export.jsonl": "/ledger/export.jsonl",
    "/ledger/export.csv": "/ledger/export.csv",
    "/ledger/{seq}/receipt.tlog-proof": "/ledger/9/receipt.tlog-proof",
}
"""Not pages to look at, but files to save."""


def address(story, path):
    return FILLED[path].format(
        run=story.runs[-1],
        prediction=story.prediction,
        rollout=story.rollout,
        execution=story.execution,
        alert=story.alert,
        approval=story.approval,
    )


def test_every_page_is_visited_here():
    assert list(FILLED) == [page.path for page in PAGES if page.path not in FILES]
    assert FILES.keys() <= {page.path for page in PAGES}


def test_a_receipt_is_offered_as_text_that_no_browser_shows(site, story):
    answer = httpx.get(site + FILES["/ledger/{seq}/receipt.tlog-proof"])
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == 'attachment; filename="entry-9.tlog-proof"'
    assert answer.text.startswith("c2sp.org/tlog-proof@v1\n")
    assert httpx.get(site + "/ledger/999999/receipt.tlog-proof").status_code == 404
    assert httpx.get(site + "/ledger/x/receipt.tlog-proof").status_code == 404


def test_an_export_is_saved_and_verified(site, tmp_path):
    script = Path(__file__).parents[2] / "docs" / "verify_ledger.py"
    answer = httpx.get(site + FILES["/ledger/export.jsonl"])
    assert answer.headers["content-disposition"] == 'attachment; filename="ledger-default.jsonl"'
    (tmp_path / "ledger.jsonl").write_bytes(answer.content)
    done = subprocess.run([sys.executable, "-I", script, tmp_path / "ledger.jsonl"], capture_output=True, check=False)
    assert (done.returncode, done.stdout[:6]) == (0, b"intact")
    table = httpx.get(site + FILES["/ledger/export.csv"])
    assert table.headers["content-disposition"] == 'attachment; filename="ledger-default.csv"'
    assert table.text.startswith("seq,recorded_at,project,kind,actor_id,actor,")
    assert table.text.count("\n") > 9


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_pages_fit_their_window_and_complain_of_nothing(browser, site, story, scheme, width):
    with closing(browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)) as context:
        tab = opened(context.new_page())
        for path in FILLED:
            answer = tab.page.goto(site + address(story, path))
            assert answer.status == 200, path
            assert tab.page.locator("h1").inner_text().strip(), path
            assert tab.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
            assert tab.page.evaluate("document.querySelectorAll('*').length") <= MOST_NODES, path
        assert tab.complaints == []
        assert {url for url in tab.requests if not url.startswith(site + "/")} == set()


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/runs",
        "/models",
        "/data",
        "/endpoints",
        "/monitors",
        "/alerts",
        "/lineage",
        "/trace",
        "/ledger",
        "/search",
    ],
)
def test_an_empty_home_has_no_empty_page(tab, bare_site, path):
    assert tab.page.goto(bare_site + path).status == 200
    assert tab.page.locator("h1").inner_text().strip()
    assert tab.complaints == []
    if path not in {"/trace", "/search"}:
        assert tab.page.locator("main [data-copy]").count() > 0


def test_what_is_not_there_is_said_on_a_page(tab, site):
    answer = tab.page.goto(site + "/models/nothing/3")
    assert answer.status == 404
    assert "There is no nothing@3" in tab.page.locator("h1").inner_text()


def test_the_first_sentence_of_an_endpoint_judges_it(tab, site):
    tab.page.goto(site + "/endpoints/delays")
    sentence = tab.page.locator("h1").inner_text()
    assert sentence.startswith("delays serves flight-delay@3; it is ")
    assert "within its KPI" in sentence


def test_a_refused_version_says_which_gates_and_what_would_help(tab, site):
    tab.page.goto(site + "/models/flight-delay/1")
    assert (
        tab.page.locator("h1").inner_text() == "flight-delay@1 may not become champion: baseline and kpi do not pass."
    )
    row = tab.page.locator("tr", has_text="kpi").first.inner_text()
    assert "FAIL" in row
    assert "modelwright model evaluate" in row


def test_a_version_s_page_tells_what_it_would_have_brought(tab, site):
    tab.page.goto(site + "/models/flight-delay/3")
    section = tab.page.locator("section", has=tab.page.get_by_role("heading", name="What it would have brought"))
    said = section.inner_text()
    assert "USD per 1,000 rows" in said
    assert "act from 0.2 on" in said
    rows = section.locator("tbody tr").all_inner_texts()
    assert [row.partition("\t")[0] for row in rows[-2:]] == ["always acting", "never acting"]
    assert section.locator("svg").count() == len(rows)


def test_an_endpoint_s_page_puts_what_it_has_brought_beside_the_promise(tab, site):
    tab.page.goto(site + "/endpoints/delays")
    section = tab.page.locator("section", has=tab.page.get_by_role("heading", name="What it has brought"))
    rows = [row.partition("\t")[0] for row in section.locator("tbody tr").all_inner_texts()]
    assert rows == ["Promised", "Realised"]
    assert "act from 0.2 on" in section.inner_text()


def test_green_is_for_a_pass_alone(tab, site):
    """The colour of a PASS is on no other text of the page."""
    tab.page.goto(site + "/models/flight-delay/1")
    found = tab.page.evaluate(
        """() => {
            const green = getComputedStyle(document.querySelector(".verdict.pass")).color;
            return [...document.querySelectorAll("main *")].filter(
                (one) => one.children.length === 0 && getComputedStyle(one).color === green
            ).map((one) => one.textContent);
        }"""
    )
    assert set(found) == {"PASS"}


def test_a_version_shows_what_checks_found(tab, site):
    """Against what was relied on, by groups, with inputs that are off, made again, and what somebody's own check said."""
    tab.page.goto(f"{site}/models/flight-delay/3")
    said = {each.split()[0] for each in tab.page.locator("section > h2").all_inner_texts()}
    assert {"Against", "Groups", "When", "Made", "Checks"} <= said
    text = tab.page.locator("main").inner_text()
    for words in (
        "flight-delay@2",
        "noise of 0.1 of the spread",
        "no-leak",
        "none <b>at all</b>",
        "p99",
        "model.skops",
    ):
        assert words in text, words
    assert tab.complaints == []


def test_a_trace_leads_from_the_answer_to_the_data(tab, site, story):
    tab.page.goto(f"{site}/trace/{story.prediction}")
    kinds = tab.page.locator(".chain .what").all_inner_texts()
    assert kinds == [
        "prediction",
        "endpoint",
        "model version",
        "gates and evidence",
        "run",
        "source snapshot",
        "environment lock",
        "data",
    ]
    assert "complete" in tab.page.locator("h1").inner_text()
    tab.page.locator(".chain a", has_text="flights@2").last.click()
    assert tab.page.url == f"{site}/data/flights/2"


def test_curves_are_drawn_when_they_come_into_view(tab, site, story):
    tab.page.goto(f"{site}/runs/{story.runs[-1]}")
    tab.page.locator(".curve canvas").first.wait_for()
    assert tab.page.locator(".curve").count() == 2
    assert tab.complaints == []


def test_the_filter_of_runs_changes_the_table_and_the_address(tab, site):
    tab.page.goto(site + "/runs")
    tab.page.locator("#name").fill("carrier-rates")
    tab.page.wait_for_url("**/runs?name=carrier-rates*")
    assert tab.page.locator("tbody tr").count() == 1


def test_a_page_prints_without_its_rail(tab, site):
    tab.page.goto(site + "/models/flight-delay/3")
    tab.page.emulate_media(media="print")
    assert not tab.page.locator(".rail").is_visible()
    assert tab.page.locator("h1").is_visible()


def test_pages_can_be_read_without_script(browser, site):
    with closing(browser.new_context(java_script_enabled=False)) as context:
        page = context.new_page()
        page.goto(site + "/endpoints/delays")
        assert page.locator("figure svg").count() >= 3
        assert page.get_by_text("What it has answered with").is_visible()


def test_every_command_to_copy_is_one_that_exists(tab, site, bare_site, story):
    """Each begins with words of the command line and names only options that it has."""
    found = set()
    for base, paths in (
        (site, FILLED),
        (bare_site, ["/", "/data", "/runs", "/models", "/endpoints", "/monitors", "/alerts", "/ledger"]),
    ):
        for path in paths:
            tab.page.goto(base + (address(story, path) if base == site else path))
            copied = tab.page.evaluate(
                "[...document.querySelectorAll('.command [data-copy]')].map((b) => b.dataset.copy)"
            )
            found |= {text for text in copied if text.startswith("modelwright ")}
    assert len(found) >= 8
    root = get_command(app)
    for text in found:
        words = shlex.split(text)[1:]
        command = root
        while isinstance(command, TyperGroup):
            assert words[0] in command.commands, text
            command = command.commands[words.pop(0)]
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, text


def test_an_alert_is_acknowledged_on_its_page(tab, site, story):
    tab.page.goto(f"{site}/alerts/{story.alert}")
    tab.page.fill("input[name=note]", "seen <b>")
    tab.page.click("text=Acknowledge")
    tab.page.wait_for_selector("dd:has-text('acknowledged')")
    assert story.workspace.alerts.get(story.alert).note == "seen <b>"
    assert tab.complaints == []


def test_a_document_tells_in_words_what_each_statement_rests_on_and_links_its_sources(tab, site):
    tab.page.goto(f"{site}/models/flight-delay/3/documents/technical_file")
    states = tab.page.locator(".said-list .state").all_inner_texts()
    assert set(states) == {"COMPUTED", "ATTESTED", "MISSING"}
    tab.page.locator(".said-list .computed a").first.click()
    tab.page.wait_for_url("**#source-*")
    hrefs = tab.page.eval_on_selector_all("tr[id^=source-] a", "links => links.map(link => link.href)")
    assert len(hrefs) > 5
    for href in hrefs:
        assert tab.page.goto(href).status == 200, href


def test_a_question_is_answered_on_the_document_that_asks_it(tab, site, story):
    tab.page.goto(f"{site}/models/flight-delay/3/documents/declaration")
    form = tab.page.locator("form[action='/do/documents.attest']:has(input[name=names])").first
    form.locator("xpath=..").locator("summary").click()
    form.locator("textarea").fill("As <b>we</b> wrote it down.")
    form.locator("input[name=names]").first.fill("EN ISO 13485:2016")
    form.locator("button").click()
    tab.page.wait_for_selector("li.attested:has-text('As <b>we</b> wrote it down. (EN ISO 13485:2016)')")
    assert "EN ISO 13485:2016" in [
        name for one in story.workspace.documents.questions("flight-delay@3") if one.answer for name in one.answer.names
    ]
    assert tab.complaints == []


def test_a_declaration_is_refused_on_its_page_while_anything_is_missing(tab, site):
    tab.page.goto(f"{site}/models/flight-delay/3/documents")
    tab.page.click("button:has-text('Declare')")
    assert "missing" in tab.page.locator("main").inner_text()


def test_what_the_documents_lack_is_counted_on_their_page_and_read_beside_the_checks(tab, site, story):
    tab.page.goto(f"{site}/models/flight-delay/3/documents")
    tab.page.click("button:has-text('Count')")
    tab.page.goto(f"{site}/models/flight-delay/3")
    section = tab.page.locator("section:has(h2:text-matches('^Documents what'))")
    (found,) = [one for one in story.workspace.evidence.list("flight-delay@3") if one.kind == "documents"]
    for one in found.values.documents:
        row = section.locator("tr", has_text=one.document.replace("_", " "))
        assert str(one.computed) in row.inner_text()
        assert all(item in row.inner_text() for item in one.lacking)
    section.get_by_role("link", name="technical file").click()
    assert "Technical file" in tab.page.locator("h1").inner_text()
    assert tab.complaints == []


@pytest.mark.parametrize(
    ("form", "begins"), [("MD", b"# Change report"), ("HTML", b"<!doctype html>"), ("PDF", b"%PDF")]
)
def test_a_document_is_saved_and_never_shown_as_a_page_of_this_site(tab, site, form, begins):
    tab.page.goto(f"{site}/models/flight-delay/3/documents/change_report")
    with tab.page.expect_download() as download:
        tab.page.get_by_role("link", name=form, exact=True).click()
    assert download.value.suggested_filename == f"flight-delay-3-change_report.{form.lower()}"
    assert download.value.path().read_bytes().startswith(begins)
    answer = tab.page.request.get(f"{site}/models/flight-delay/3/documents/change_report?as={form.lower()}")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["content-security-policy"]

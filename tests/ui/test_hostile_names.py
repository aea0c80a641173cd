"""What people write is text, whatever it looks like."""

from datetime import UTC, datetime

import pytest

from modelwright.core.schema import Column, Contract, DType
from modelwright.models.model import PackageFile
from modelwright.tracking.model import Capture, Metric, RunStatus
from support.dashboard import workspace_of
from ui.conftest import opened

pytestmark = pytest.mark.browser

SCRIPT = "<script>document.title='owned'</script>"
QUOTES = "\"' onmouseover='document.title=1' {{ 7*7 }} {% raw %} </textarea><img src=x onerror=alert(1)>"
WIDE = "Ünïcödé 名前 مرحبا 🛩️ " + "w" * 200
LONG = "n" * 128


@pytest.fixture(scope="module")
def written(platform, story):
    """A run and a version full of such words."""
    ws = workspace_of(platform)
    run = ws.runs.start(
        LONG,
        parameters={SCRIPT: QUOTES, QUOTES: SCRIPT, WIDE: WIDE},
        tags={SCRIPT: WIDE},
        capture=Capture(branch=SCRIPT, entry_point=QUOTES, arguments=(SCRIPT, WIDE), hardware={SCRIPT: QUOTES}),
    )
    now = datetime.now(UTC)
    keys = (SCRIPT, QUOTES, WIDE)
    points = [
        Metric(key=key, value=float(step), step=step, at=now, seq=3 * step + index)
        for step in (0, 1)
        for index, key in enumerate(keys)
    ]
    ws.runs.log(run.id, tuple(points))
    ws.runs.finish(run.id, RunStatus.FAILED, error=SCRIPT + QUOTES)
    sent = ws._caller.upload(b"bytes")
    columns = Contract(columns=(Column(name=SCRIPT, dtype=DType.STRING, categories=(QUOTES, WIDE)),))
    file = PackageFile(path="model.json", digest=sent.digest, size=sent.size)
    ws.models.register(LONG, "lookup", "binary", columns, (file,), run_id=run.id, note=SCRIPT + QUOTES + WIDE)
    return run.id


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize(
    "path", ["/", "/runs", "/runs?show=all", "/runs/{run}", "/models", f"/models/{LONG}", f"/models/{LONG}/1", f"/models/{LONG}/1/documents", f"/models/{LONG}/1/documents/model_card", "/ledger", f"/search?q={LONG[:5]}", f"/lineage?of=model:{LONG}@1"]
)  # fmt: skip
def test_words_stay_words(browser, site, written, path, width):
    context = browser.new_context(viewport={"width": width, "height": 800})
    tab = opened(context.new_page())
    tab.page.on("dialog", lambda _: pytest.fail("a script ran"))
    assert tab.page.goto(site + path.format(run=written)).status == 200
    assert "owned" not in tab.page.title()
    assert tab.page.locator("main script, main img").count() == 0
    assert tab.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert tab.complaints == []
    context.close()


def test_a_run_shows_them_as_they_were_written(tab, site, written):
    tab.page.goto(f"{site}/runs/{written}")
    text = tab.page.locator("main").inner_text()
    assert SCRIPT in text
    assert "{{ 7*7 }}" in text
    assert "名前" in text


@pytest.mark.parametrize("words", [SCRIPT, QUOTES, WIDE, "%00", "../../etc/passwd", "a@" + "9" * 40])
def test_a_search_for_them_finds_nothing_and_says_so(tab, site, words):
    tab.page.goto(site + "/")
    tab.page.locator("#find").fill(words)
    tab.page.locator("#find").press("Enter")
    tab.page.wait_for_url("**/search?q=*")
    assert "Nothing here is called" in tab.page.locator("h1").inner_text()
    assert tab.complaints == []


@pytest.mark.parametrize(
    "path", ["/runs?after=x", "/ledger/999999999999999999", "/ledger/x", "/data/flights/x..", "/models/%3Cscript%3E/1", "/models/flight-delay/3/documents/%3Cscript%3E", "/models/flight-delay/3/documents/model_card?as=exe", "/trace/zz", "/lineage?of=%22%3E", "/data/flights/2?against=99", "/runs/" + "f" * 32]
)  # fmt: skip
def test_addresses_that_nobody_wrote_are_answered_below_500(tab, site, path):
    assert tab.page.goto(site + path).status < 500
    assert tab.page.locator("h1").inner_text().strip()

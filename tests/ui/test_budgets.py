"""How much a page weighs, with ten thousand runs."""

from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from modelwright.core.ids import new_ids
from modelwright.tracking.model import Metric, Run, RunStatus
from modelwright.tracking.repository import MetricRepository, RunRepository
from modelwright.ui.assets import assets
from support.homes import fresh_platform, live

pytestmark = pytest.mark.browser

RUNS = 10_000
FIRST_LOAD_BYTES = 100_000
SCRIPT_BYTES = 60_000
NODES = 5_000
METRICS = ("auc", "brier", "loss")


@pytest.fixture(scope="module")
def crowded(tmp_path_factory):
    with closing(fresh_platform(tmp_path_factory.mktemp("crowded"))) as platform:
        at = datetime.now(UTC) - timedelta(days=1)
        made = [_run(run_id, index, at + timedelta(seconds=index)) for index, run_id in enumerate(new_ids(RUNS))]
        with platform.records.writing() as rows:
            for run in made:
                RunRepository().add(rows, "default", run)
        with platform.telemetry.writing() as rows:
            for run in made[-300:]:
                points = [Metric(key=key, value=0.5, at=at, seq=seq) for seq, key in enumerate(METRICS)]
                MetricRepository().add(rows, run.id, points)
            curve = [Metric(key="loss", value=1 / (1 + step), step=step, at=at, seq=9 + step) for step in range(50_000)]
            MetricRepository().add(rows, made[-1].id, curve)
        with live(platform) as url:
            yield url, made


def _run(run_id: str, index: int, at: datetime) -> Run:
    parameters = {f"p{number:02}": str(index % (number + 2)) for number in range(20)}
    return Run(
        id=run_id,
        name="flight-delay",
        status=RunStatus.FINISHED,
        started_at=at,
        finished_at=at,
        started_by="owner",
        parameters=parameters,
    )


def weighed(tab, url):
    """Bytes over the wire, by kind of resource."""
    session = tab.page.context.new_cdp_session(tab.page)
    session.send("Network.enable")
    kinds, weights = {}, {}
    session.on("Network.responseReceived", lambda event: kinds.update({event["requestId"]: event["type"]}))
    session.on(
        "Network.loadingFinished", lambda event: weights.update({event["requestId"]: event["encodedDataLength"]})
    )
    tab.page.goto(url, wait_until="networkidle")
    total: dict[str, float] = {}
    for request, weight in weights.items():
        kind = kinds.get(request, "Other")
        total[kind] = total.get(kind, 0) + weight
    return total


def test_ten_thousand_runs_are_light(tab, crowded):
    url, _ = crowded
    weight = weighed(tab, url + "/runs")
    assert sum(weight.values()) <= FIRST_LOAD_BYTES, weight
    assert weight["Script"] <= SCRIPT_BYTES
    assert tab.page.evaluate("document.querySelectorAll('*').length") <= NODES
    assert tab.page.locator("tbody tr").count() == 100
    assert tab.complaints == []


def test_a_curve_of_fifty_thousand_points_is_light(tab, crowded):
    url, made = crowded
    weight = weighed(tab, f"{url}/runs/{made[-1].id}")
    tab.page.locator(".curve canvas").first.wait_for()
    assert sum(weight.values()) <= FIRST_LOAD_BYTES, weight
    assert weight["Script"] <= SCRIPT_BYTES
    assert tab.page.evaluate("document.querySelectorAll('*').length") <= NODES


def test_older_runs_follow_page_by_page_to_the_last(tab, crowded):
    url, made = crowded
    tab.page.goto(f"{url}/runs?after={made[150].id}")
    assert tab.page.locator("tbody tr").count() == 100
    tab.page.locator("a[rel=next]").click()
    assert tab.page.locator("tbody tr").count() == 50
    assert tab.page.locator("a[rel=next]").count() == 0


def test_all_script_together_keeps_its_budget():
    scripts = [asset.compressed for name, asset in assets().items() if name.endswith(".js")]
    assert sum(map(len, scripts)) <= SCRIPT_BYTES


def test_static_files_are_kept_by_the_browser(tab, crowded):
    url, _ = crowded
    tab.page.goto(url + "/runs", wait_until="networkidle")
    weight = weighed(tab, url + "/models")
    assert weight.get("Script", 0) == 0
    assert weight.get("Stylesheet", 0) == 0

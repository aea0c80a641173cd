"""How values are written."""

from datetime import UTC, datetime, timedelta

import pytest

from modelwright.charts import words
from modelwright.core.ids import new_id
from modelwright.stats.model import Interval
from modelwright.tracking.model import Metric, Run, RunStatus
from modelwright.ui.curves import finite, thinned
from modelwright.ui.page import Page, View
from modelwright.ui.pages.runs import chosen_columns, columns
from modelwright.ui.routes import PAGES

NOW = datetime(2013, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("estimate", "low", "high", "written"),
    [
        (0.74123, 0.72971, 0.75249, ("0.741", "0.730", "0.752")),
        (0.69991, 0.69192, 0.70711, ("0.700", "0.692", "0.707")),
        (152.4, 120.2, 181.9, ("152", "120", "182")),
        (0.5, 0.5, 0.5, ("0.5000", "0.5000", "0.5000")),
        (-0.0001, -0.014, 0.014, ("0.000", "-0.014", "0.014")),
    ],
)
def test_an_interval_is_rounded_to_what_its_width_supports(estimate, low, high, written):
    assert words.rounded(Interval(estimate=estimate, low=low, high=high, n=9, method="delong")) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [(0, "0"), (0.0, "0"), (-0.5, "-0.5000"), (1e-9, "1e-09"), (float("nan"), "nan"), (True, "True"), (None, ""), ("x", "x"), (2**63, "9,223,372,036,854,775,808")],
)  # fmt: skip
def test_a_number_has_the_digits_that_count(value, written):
    assert words.number(value) == written


@pytest.mark.parametrize(
    ("ago", "written"),
    [(timedelta(seconds=20), "just now"), (timedelta(minutes=1), "1 minute ago"), (timedelta(days=21), "3 weeks ago"), (timedelta(days=800), "2 years ago"), (-timedelta(hours=3), "in 3 hours")],
)  # fmt: skip
def test_a_time_is_relative(ago, written):
    assert words.distance(NOW, NOW - ago) == written


def test_a_time_has_the_exact_one_on_hover():
    shown = str(words.moment(NOW, NOW + timedelta(days=1)))
    assert 'datetime="2013-03-01T00:00:00+00:00" title="2013-03-01 00:00:00 UTC"' in shown


def test_whatever_is_written_is_escaped():
    assert "<script>" not in str(words.digest("<script>" * 9))
    assert "<script>" not in str(words.verdict("<script>"))


def test_every_page_declares_a_permission_to_read():
    assert {page.permission.partition(":")[2] for page in PAGES} == {"read"}
    with pytest.raises(ValueError, match="declares no permission"):
        Page("/", "", lambda ask: View())


def test_thinning_keeps_every_extreme_and_both_ends():
    points = [(step, float(step % 97)) for step in range(10_000)]
    points[5_003] = (5_003, 1e6)
    points[7_001] = (7_001, -1e6)
    kept = thinned(points, 300)
    assert len(kept) <= 600
    assert {(5_003, 1e6), (7_001, -1e6)} <= set(kept)
    assert kept == sorted(kept)


def test_values_that_are_no_numbers_are_left_out_of_curves():
    at = {"at": NOW, "key": "loss"}
    metrics = [
        Metric(value=value, step=step, seq=step, **at) for step, value in enumerate([1.0, "NaN", "Infinity", 2.0])
    ]
    assert finite(metrics) == [(0, 1.0), (3, 2.0)]


def made(**parameters):
    return Run(
        id=new_id(), name="a", status=RunStatus.FINISHED, started_at=NOW, started_by="owner", parameters=parameters, metrics={"auc": 0.7}
    )  # fmt: skip


def test_runs_show_metrics_and_the_parameters_that_differ():
    runs = [made(rate="0.1", seed="7"), made(rate="0.3", seed="7")]
    every = columns(runs)
    assert [column.name for column in every] == ["auc", "rate", "seed"]
    assert [column.name for column in chosen_columns(every, runs, "", everything=False)] == ["auc", "rate"]
    assert [column.name for column in chosen_columns(every, runs, "", everything=True)] == ["auc", "rate", "seed"]
    assert [column.name for column in chosen_columns(every, runs, "p.seed,m.none", everything=False)] == ["seed"]

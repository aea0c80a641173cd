"""What is looked for is found in the same order on SQLite and on PostgreSQL."""

from contextlib import closing
from datetime import UTC, datetime, timedelta

from modelwright.app.home import Home
from modelwright.app.workspace import Platform
from modelwright.search.model import Kind, Thing
from support.people import do

NOW = datetime(2026, 3, 1, tzinfo=UTC)
NAMES = ("delay", "delays", "flight-delay", "the delay of it", "undelayed", "Délai_é☃", "other")
ASKED = ("delay", "DELAY", "de", "lay", "délai", "delay flight", "e", "beef", "beefcafe" * 8, "zzzz")


def found(folder, records=None):
    folder.mkdir()
    if records:
        (folder / "modelwright.toml").write_text(f'records = "{records}"\n')
    with closing(Platform(Home(folder / ".modelwright").open(create=True))) as platform:
        repository = platform.services["search"]._repository
        with platform.records.writing() as rows:
            for place, name in enumerate((*NAMES, *NAMES)):  # the second time as it is now
                ids = ("beefcafe" * 8, f"{place % 3}beef" + "0" * 27)
                thing = Thing(kind=Kind.MODEL, key=name, name=name, words=name, ids=ids)
                repository.put(rows, "default", thing, NOW + timedelta(hours=place % 4))
        return [do(platform, "search.find", text=text) for text in ASKED]


def test_both_databases_find_the_same_in_the_same_order(tmp_path, database):
    here = found(tmp_path / "here")
    assert [bool(each) for each in here] == [True] * 9 + [False]
    assert found(tmp_path / "there", database) == here

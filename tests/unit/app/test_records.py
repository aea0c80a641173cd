"""A home's records are where it was made to keep them, or it is not opened; nobody reads a password on the way."""

import json
import shutil
from contextlib import closing

import msgspec
import pytest
from sqlalchemy import text

import modelwright as mw
from modelwright.app.doctor import examine
from modelwright.app.home import Home, HomeFile
from modelwright.app.workspace import Platform
from modelwright.core.settings import RECORDS
from modelwright.scaffold import write
from modelwright.store.address import Address
from modelwright.store.keys import Keys

SECRET = "postgresql://ada:s3cr3t@db/models"


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch):
    monkeypatch.delenv(RECORDS.name, raising=False)


def opened(folder):
    return closing(Platform(Home(folder).open(create=True)))


def test_the_environment_comes_before_the_project_file(tmp_path, monkeypatch):
    (tmp_path / "modelwright.toml").write_text('records = "postgresql://db/file"\n')
    assert str(Home(tmp_path / ".modelwright").open(create=True).records) == "postgresql://db/file"
    monkeypatch.setenv(RECORDS.name, SECRET)
    home = Home(tmp_path / ".modelwright").open(create=False)
    assert str(home.records) == "postgresql://ada@db/models"
    assert home.environment == {RECORDS.name: SECRET}


def test_a_project_file_speaks_for_the_home_that_it_names_alone(tmp_path, monkeypatch):
    (tmp_path / "modelwright.toml").write_text('home = "elsewhere/home"\nrecords = "postgresql://db/file"\n')
    monkeypatch.chdir(tmp_path)
    assert Home(tmp_path / "elsewhere" / "home").open(create=True).records == Address("postgresql://db/file")
    assert Home(tmp_path / "another" / "home").open(create=True).records is None


def test_a_home_on_postgresql_is_not_opened_on_sqlite(tmp_path, monkeypatch):
    monkeypatch.setenv(RECORDS.name, SECRET)
    Home(tmp_path / "home").open(create=True)
    monkeypatch.delenv(RECORDS.name)
    with pytest.raises(mw.Invalid, match="on PostgreSQL, and nothing says where") as raised:
        mw.connect(tmp_path / "home")
    assert RECORDS.name in raised.value.remedy
    findings = {each.what: each for each in examine(str(tmp_path / "home"))}
    assert not findings["home"].healthy
    assert not findings["rows"].healthy
    assert not list((tmp_path / "home").glob("*.db"))


def test_a_home_on_sqlite_is_not_opened_on_postgresql(tmp_path, monkeypatch):
    Home(tmp_path / "home").open(create=True)
    monkeypatch.setenv(RECORDS.name, SECRET)
    with pytest.raises(
        mw.Invalid, match="on SQLite, in the folder itself, not on postgresql://ada@db/models"
    ) as raised:
        mw.connect(tmp_path / "home")
    assert "s3cr3t" not in raised.value.message + raised.value.remedy


@pytest.mark.parametrize("said", ["postgresql://ada:s3cr3t@x@db/models", "s3cr3t", "mysql://ada:s3cr3t@db/models"])
def test_an_address_that_is_none_makes_no_home(tmp_path, monkeypatch, said):
    monkeypatch.setenv(RECORDS.name, said)
    with pytest.raises(mw.Invalid, match="none of a PostgreSQL database") as raised:
        Home(tmp_path / "home").open(create=True)
    assert "s3cr3t" not in raised.value.message + raised.value.remedy
    assert not (tmp_path / "home").exists()


def test_a_home_of_the_first_form_is_opened_as_it_is(tmp_path):
    home = Home(tmp_path / "home").open(create=True)
    (home.folder / "home.json").write_text('{"format":1}')
    with opened(home.folder) as platform:
        assert (platform.home.id, platform.home.records) == ("", None)


def test_a_database_of_another_home_is_refused(tmp_path):
    for name in ("one", "other"):
        with opened(tmp_path / name):
            pass
    shutil.copy(tmp_path / "one" / "control.db", tmp_path / "other" / "control.db")
    with pytest.raises(mw.Conflict, match="belongs to another home"), opened(tmp_path / "other"):
        pass


def test_an_empty_database_is_no_place_for_a_home_that_has_kept_records(tmp_path):
    with opened(tmp_path / "home"):
        pass
    for file in (tmp_path / "home").glob("control.db*"):
        file.unlink()
    with pytest.raises(mw.Conflict, match=r"is empty, but .* has kept its records before"), opened(tmp_path / "home"):
        pass


def test_a_key_alone_is_no_history(tmp_path):
    """An inference worker of a fresh home makes the key before anybody has opened the database."""
    home = Home(tmp_path / "home").open(create=True)
    assert Keys(home.keys).public
    for _ in range(2):
        with opened(home.folder):
            pass


def test_whoever_died_between_the_database_and_the_folder_is_made_good(tmp_path):
    with opened(tmp_path / "home") as platform:
        platform.home.claimed.unlink()
    with opened(tmp_path / "home") as platform:
        assert platform.home.claimed.exists()


def test_a_postgresql_database_belongs_to_the_home_that_was_made_on_it(tmp_path, database, monkeypatch):
    monkeypatch.setenv(RECORDS.name, database)
    with opened(tmp_path / "one") as platform:
        mine = platform.home.id
        with platform.records.reading() as rows:
            assert rows.execute(text("SELECT id FROM home")).scalar() == mine
    with opened(tmp_path / "one"):
        pass
    with pytest.raises(mw.Conflict, match="belongs to another home") as raised, opened(tmp_path / "other"):
        pass
    assert "Pa55" not in raised.value.message


def test_a_home_is_refused_on_another_and_empty_postgresql_database(tmp_path, cluster, database, monkeypatch):
    monkeypatch.setenv(RECORDS.name, database)
    with opened(tmp_path / "home"):
        pass
    with cluster.database() as empty:
        monkeypatch.setenv(RECORDS.name, empty)
        with (
            pytest.raises(mw.Conflict, match=r"is empty, but .* has kept its records before"),
            opened(tmp_path / "home"),
        ):
            pass


def test_init_writes_the_address_where_nothing_in_it_is_secret(tmp_path, monkeypatch):
    for name, url, written in (
        ("plain", "postgresql://ada@db:5432/models", True),
        ("secret", SECRET, False),
        ("options", "postgresql://ada@db/models?sslmode=verify-full", False),
    ):
        monkeypatch.setenv(RECORDS.name, url)
        write(tmp_path / name)
        said = (tmp_path / name / "modelwright.toml").read_text()
        assert (f'records = "{url}"' in said) == written
        assert "s3cr3t" not in said
        assert "s3cr3t" not in (tmp_path / name / ".modelwright" / "home.json").read_text()
        assert json.loads((tmp_path / name / ".modelwright" / "home.json").read_text())["records"] == "postgresql"


def test_doctor_looks_at_the_server(tmp_path, cluster, database, monkeypatch):
    monkeypatch.setenv(RECORDS.name, database)
    with opened(tmp_path / "home"):
        pass
    findings = examine(str(tmp_path / "home"))
    assert all(each.healthy for each in findings), findings
    assert "Pa55" not in repr(findings)
    shown = next(each.found for each in findings if each.what == "databases")
    assert str(Address(database)) in shown
    cluster.execute("ALTER SYSTEM SET full_page_writes = off")
    cluster.execute("SELECT pg_reload_conf()")
    try:
        found = next(each for each in examine(str(tmp_path / "home")) if each.what == "databases")
        assert not found.healthy
        assert "full_page_writes is off" in found.found
    finally:
        cluster.execute("ALTER SYSTEM RESET full_page_writes")
        cluster.execute("SELECT pg_reload_conf()")


def test_the_marker_says_whose_and_where(tmp_path):
    home = Home(tmp_path / "home").open(create=True)
    found = msgspec.json.decode((home.folder / "home.json").read_bytes(), type=HomeFile)
    assert (found.format, found.id, found.records) == (2, home.id, "sqlite")
    assert len(home.id) == 32

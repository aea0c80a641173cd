"""An address is shown without what is secret, and what is none is refused without being repeated."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.core.errors import Invalid
from modelwright.store.address import Address


@given(st.text(min_size=1))
def test_no_password_is_ever_shown(password):
    secret = quote(f"<{password}>", safe="")
    address = Address(f"postgresql://ada:{secret}@db:5432/models?sslmode=require&password={secret}")
    for shown in (str(address), repr(address), f"{address}", address.shown):
        assert secret not in shown
        assert "ada@db:5432/models" in shown
    assert secret in address.reveal()


@given(st.text())
def test_what_is_refused_is_not_repeated(text):
    try:
        shown = str(Address(f"postgresql://ada:s3cr3t{text}@db/models"))
    except Invalid as error:
        shown = f"{error.message} {error.remedy} {error.fields}"
    assert "s3cr3t" not in shown


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://",
        "postgresql:///models",
        "postgresql://db",
        "postgresql://ada@[::1]:5433/models",
        "postgresql://ada@db-1:5432,db-2:5432/models?target_session_attrs=read-write",
    ],
)
def test_what_libpq_reads_is_an_address(text):
    assert Address(text) == Address(text)
    assert hash(Address(text)) == hash(Address(text))
    assert Address(text) != Address("postgresql://elsewhere")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "models",
        "sqlite:///control.db",
        "postgres://db/models",
        "postgresql+psycopg://db/models",
        "http://db/models",
        "postgresql://ada:pa@ss@db/models",
        "postgresql://ada:pa/ss@db/models",
        "postgresql://ada:pa#ss@db/models",
        "postgresql://ada:pass",
        "postgresql://db:port/models",
        " postgresql://db/models",
        "postgresql://db/models\n",
    ],
)
def test_anything_else_is_refused_with_the_way_to_write_it(text):
    with pytest.raises(Invalid, match="none of a PostgreSQL database") as raised:
        Address(text)
    assert "postgresql://user@host:5432/database" in raised.value.remedy

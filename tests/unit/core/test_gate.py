"""The gate: whom a port answers for, whose pages may write, and how much it reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.core.errors import Invalid
from modelwright.core.gate import Authority, Gate, allowed_authorities, parse_authority

GATE = Gate(allowed_authorities(8000, ["ml.example.com", "other.example.com:8443", "fd00::7"]), max_body=100)


def refused(method="GET", *, host=b"localhost:8000", **headers):
    pairs = [(b"host", host), *((name.replace("_", "-").encode(), value) for name, value in headers.items())]
    refusal = GATE.refusal(method, pairs)
    return refusal and refusal.status


@pytest.mark.parametrize(
    "host",
    [
        b"localhost:8000",
        b"LOCALHOST:8000",
        b"127.0.0.1:8000",
        b"[::1]:8000",
        b"[0:0:0:0:0:0:0:1]:8000",
        b"ml.example.com",
        b"ml.example.com:443",
        b"ml.example.com:8000",
        b"other.example.com:8443",
        b"[fd00::7]:8000",
    ],
)
def test_a_host_it_answers_for_passes(host):
    assert refused(host=host) is None


@pytest.mark.parametrize(
    "host",
    [
        b"evil.example:8000",
        b"localhost",
        b"localhost:8001",
        b"127.0.0.1.nip.io:8000",
        b"localhost.evil.example:8000",
        b"127.0.0.2:8000",
        b"0.0.0.0:8000",
        b"[::ffff:127.0.0.1]:8000",
        b"other.example.com",
        b"ml.example.com:8443",
        b"ml.example.com.evil.example",
    ],
)
def test_a_name_that_was_rebound_to_this_address_is_misdirected(host):
    assert refused(host=host) == 421


@pytest.mark.parametrize(
    "host",
    [
        b"",
        b"localhost.:8000",
        b"localhost:",
        b"localhost:08000",
        b"localhost:99999",
        b"localhost:8000:8000",
        b"localhost:-1",
        b"user@localhost:8000",
        b"localhost:8000@evil.example",
        b"http://localhost:8000",
        b"localhost:8000/",
        b"localhost:8000, evil.example",
        b" localhost:8000",
        b"localhost:8000\t",
        b"127.1:8000",
        b"0x7f000001:8000",
        b"2130706433:8000",
        b"127.0.0.01:8000",
        b"[::1%25lo]:8000",
        b"[::1:8000",
        b"::1:8000",
        b"[localhost]:8000",
        b"l\xc3\xb6calhost:8000",
        b"-localhost:8000",
        b"a..b:8000",
        b"a" * 10_000,
    ],
)
def test_what_could_be_read_in_two_ways_is_no_host(host):
    assert refused(host=host) == 400


def test_a_request_without_a_host_is_refused():
    assert GATE.refusal("GET", []).status == 400


@pytest.mark.parametrize("name", [b"host", b"origin", b"sec-fetch-site", b"content-length"])
def test_a_header_the_gate_reads_may_not_come_twice(name):
    headers = [(b"host", b"localhost:8000"), (name, b"localhost:8000"), (name, b"localhost:8000")]
    assert GATE.refusal("GET", headers).status == 400


def test_port_80_needs_no_port_in_the_host():
    gate = Gate(allowed_authorities(80))
    assert gate.refusal("GET", [(b"host", b"localhost")]) is None
    assert gate.refusal("GET", [(b"host", b"localhost:80")]) is None


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "ANYTHING"])
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": b"null"},
        {"origin": b""},
        {"origin": b"http://evil.example"},
        {"origin": b"http://localhost:3000"},
        {"origin": b"http://localhost"},
        {"origin": b"http://localhost:8000.evil.example"},
        {"origin": b"http://user@localhost:8000"},
        {"origin": b"file://localhost:8000"},
        {"origin": b"localhost:8000"},
        {"sec_fetch_site": b"cross-site"},
        {"sec_fetch_site": b"same-site"},
        {"sec_fetch_site": b""},
        {"origin": b"http://localhost:8000", "sec_fetch_site": b"cross-site"},
    ],
)
def test_a_page_of_another_site_may_not_write(method, headers):
    assert refused(method, **headers) == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": b"http://localhost:8000"},
        {"origin": b"http://[::1]:8000"},
        {"origin": b"https://ml.example.com"},
        {"origin": b"https://other.example.com:8443"},
        {"sec_fetch_site": b"same-origin"},
        {"sec_fetch_site": b"none"},
    ],
)
def test_our_own_pages_and_programs_may_write(headers):
    assert refused("POST", **headers) is None


def test_reading_is_allowed_to_links_from_anywhere():
    assert refused("GET", origin=b"http://evil.example", sec_fetch_site=b"cross-site") is None


@pytest.mark.parametrize(
    ("length", "status"), [(b"100", None), (b"101", 413), (b"9" * 400, 413), (b"-1", 400), (b"1e2", 400), (b"", 400)]
)
def test_the_declared_length_is_bounded(length, status):
    assert refused("POST", content_length=length) == status


def test_a_length_beside_a_transfer_encoding_is_refused():
    assert refused("POST", content_length=b"3", transfer_encoding=b"chunked") == 400


def test_the_bytes_really_read_are_bounded():
    assert GATE.size_refusal(100) is None
    assert GATE.size_refusal(101).status == 413


@given(st.binary(max_size=40))
def test_any_bytes_are_a_host_or_invalid(value):
    try:
        named = parse_authority(value)
    except Invalid:
        return
    assert isinstance(named, Authority)
    assert named.name == named.name.lower()


@given(st.sampled_from(["GET", "POST"]), st.lists(st.tuples(st.binary(), st.binary())), st.binary(), st.binary())
def test_any_headers_pass_or_are_refused(method, headers, host, origin):
    for pairs in ([*headers, (b"host", host), (b"origin", origin)], headers):
        refusal = GATE.refusal(method, pairs)
        assert refusal is None or 400 <= refusal.status < 500

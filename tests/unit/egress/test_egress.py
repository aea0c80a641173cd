"""LAW: what the server sends goes where the operator said, to the address that was checked, and nowhere else."""

import ast
import ipaddress
import socket
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.core.errors import Denied, Error, Invalid, Unavailable
from modelwright.core.settings import EGRESS
from modelwright.egress import dial
from modelwright.egress.ask import ask
from modelwright.egress.rules import Place, Rules, place_of
from support.receiver import certified, receiving

SOURCE = Path(__file__).parents[3] / "src" / "modelwright"

CLIENTS = {
    *("http.client", "urllib.request", "smtplib", "ftplib", "poplib", "imaplib", "telnetlib", "xmlrpc.client"),
    *("httpx", "httpcore", "requests", "urllib3", "aiohttp", "websockets", "paramiko"),
}
DIALS = {"connect", "connect_ex", "create_connection", "open_connection", "open_unix_connection"}
OPENS = {
    "egress/dial.py": {"connect"},
    "egress/ask.py": {"http.client"},  # over what dial opened
    "egress/mail.py": {"smtplib"},
    "client/http.py": {"httpx"},  # the remote SDK, in its caller's process, asks the server that the caller named
    "client/patience.py": {"httpx"},  # its words for what went wrong
    "app/sdk.py": {"httpx"},  # so does mw.predict
    "processes/up.py": {"http.client"},  # looks whether its own children answer, on this machine
}
"""File -> with what it may open a connection."""


def imported(path):
    """Every module that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def opening(path) -> set[str]:
    """With what a file could open a connection."""
    modules = {*imported(path)}
    calls = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
    dials = calls & (DIALS if "socket" in modules or "ssl" in modules else DIALS - {"connect"})
    return (modules & CLIENTS) | dials


def test_nobody_else_opens_a_connection():
    found = {str(path.relative_to(SOURCE)): opening(path) for path in SOURCE.rglob("*.py")}
    assert {name: what for name, what in found.items() if what} == OPENS


@pytest.mark.parametrize(
    "code",
    [
        "import httpx",
        "def f():\n    from urllib.request import urlopen",
        "from urllib import request",
        "import socket\nsocket.socket().connect(('h', 1))",
        "import asyncio\nasyncio.open_connection('h', 1)",
    ],
)
def test_a_file_that_opens_one_is_found(code, tmp_path):
    (tmp_path / "new.py").write_text(code)
    assert opening(tmp_path / "new.py")


def rules(*entries: str) -> Rules:
    return Rules.read(", ".join(entries))


def get(url: str, allowed: Rules, **more):
    return ask("GET", url, rules=allowed, headers={}, **more)


def test_without_the_setting_nothing_is_sent(monkeypatch):
    monkeypatch.delenv(EGRESS.name, raising=False)
    with receiving() as there, pytest.raises(Denied, match="may not send"):
        get(there.url, Rules.configured())
    assert there.got == []


def test_what_is_on_the_list_is_asked(monkeypatch):
    with receiving() as there:
        monkeypatch.setenv(EGRESS.name, f"https://hooks.example.com , {there.url}")
        there.answer = there.says(200, b"yes")
        answer = ask("POST", f"{there.url}/a?b=c", rules=Rules.configured(), headers={"x-y": "z"}, body=b"hello")
    assert (answer.status, answer.content, answer.whole) == (200, b"yes", True)
    [request] = there.got
    assert (request.method, request.path, request.headers["x-y"], request.body) == ("POST", "/a?b=c", "z", b"hello")


def test_no_redirect_is_followed():
    with receiving() as there, receiving() as secret:
        there.answer = there.says(302, location=secret.url)
        assert get(there.url, rules(there.url, secret.url)).status == 302
    assert secret.got == []


def test_a_long_answer_is_cut():
    with receiving() as there:
        there.answer = there.says(200, b"x" * 100_000)
        answer = get(there.url, rules(there.url), largest=1000)
    assert (len(answer.content), answer.whole) == (1000, False)


def test_an_answer_that_drips_for_ever_ends_with_the_time_limit():
    def drip(_, handler):
        handler.send_response(200)
        handler.send_header("content-length", "1000000")
        handler.end_headers()
        while True:  # until the other end hangs up
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.01)

    with receiving() as there:
        there.answer = drip
        with pytest.raises(Unavailable, match="in time"):
            get(there.url, rules(there.url), seconds=0.3)


def test_an_answer_that_breaks_off_is_none():
    def half(_, handler):
        handler.send_response(200)
        handler.send_header("content-length", "1000")
        handler.end_headers()
        handler.wfile.write(b"half")
        handler.close_connection = True

    with receiving() as there:
        there.answer = half
        with pytest.raises(Unavailable, match="broke off"):
            get(there.url, rules(there.url))


def test_a_proxy_of_the_environment_sees_nothing(monkeypatch):
    with receiving() as there, receiving() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "https_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert get(there.url, rules(there.url)).status == 204
    assert proxy.got == []


# TLS


@pytest.fixture
def trusted(tmp_path, monkeypatch):
    """This machine trusts a certificate for ``hooks.test``, which is here."""
    context = certified(tmp_path, "hooks.test")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    dial.trust.cache_clear()
    yield context
    dial.trust.cache_clear()


@pytest.fixture
def names(monkeypatch):
    """What names mean: a list of answers, one for each look-up."""
    said = []

    def looked_up(host, port, *_, **__):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in said.pop(0)]

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    return said


@pytest.fixture
def dialled_to(monkeypatch):
    """Every address to which a connection was opened."""
    addresses, opened = [], dial._opened

    def open_here(address, port, seconds):
        addresses.append(str(address))
        if not address.is_loopback:
            raise ConnectionRefusedError(111, "Connection refused")
        return opened(address, port, seconds)

    monkeypatch.setattr(dial, "_opened", open_here)
    return addresses


def test_the_certificate_is_of_the_name_that_was_asked(trusted, names):
    with receiving(trusted, host="hooks.test") as there:
        names += [["127.0.0.1"], ["127.0.0.1"]]
        there.answer = there.says(200)
        assert get(there.url, rules(there.url, "127.0.0.0/8")).status == 200
        other = there.url.replace("hooks.test", "other.test")
        with pytest.raises(Unavailable, match="certificate"):
            get(other, rules(other, "127.0.0.0/8"))
    assert len(there.got) == 1
    assert there.got[0].headers["host"] == there.url.removeprefix("https://")


def test_a_certificate_that_nobody_vouches_for_does_not_count(tmp_path, names):
    names.append(["127.0.0.1"])
    context = certified(tmp_path, "hooks.test")
    with receiving(context, host="hooks.test") as there, pytest.raises(Unavailable, match="certificate"):
        get(there.url, rules(there.url, "127.0.0.0/8"))
    assert there.got == []


def test_a_name_is_looked_up_once_and_the_connection_goes_there(trusted, names, dialled_to):
    """DNS rebinding: the second look-up would lead elsewhere. There is none."""
    names += [["127.0.0.1"], ["169.254.169.254"]]
    with receiving(trusted, host="hooks.test") as there:
        get(there.url, rules(there.url, "127.0.0.0/8"))
    assert names == [["169.254.169.254"]]
    assert dialled_to == ["127.0.0.1"]


INSIDE = [
    *("127.0.0.1", "0.0.0.0", "10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1"),
    *("::1", "::", "fe80::1", "fd00::1", "ff02::1", "fd00:ec2::254", "255.255.255.255", "198.18.0.1"),
    *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "2002:7f00:1::", "64:ff9b::a9fe:a9fe", "64:ff9b::7f00:1"),
]


@pytest.mark.parametrize("address", INSIDE)
def test_a_name_that_leads_inside_is_not_asked(address, names, dialled_to):
    names.append([address])
    with pytest.raises(Denied, match="not public"):
        get("https://hooks.example.com/secret", rules("https://hooks.example.com"))
    assert dialled_to == []


def test_of_several_addresses_only_those_outside_are_tried(names, dialled_to):
    names.append(["10.0.0.1", "93.184.215.14", "127.0.0.1"])
    with pytest.raises(Unavailable, match="refused"):
        get("https://hooks.example.com", rules("https://hooks.example.com"))
    assert dialled_to == ["93.184.215.14"]


@pytest.mark.parametrize("address", ["10.1.2.3", "169.254.169.254", "fd00::7"])
def test_an_address_inside_is_asked_where_the_operator_names_its_network(address):
    place = Place("https", "hooks.internal", 443)
    network = f"{address}/128" if ":" in address else f"{address}/32"
    assert rules("https://hooks.internal", network).permits(place, ipaddress.ip_address(address))
    assert not rules("https://hooks.internal").permits(place, ipaddress.ip_address(address))


# Addresses

WRONG = [
    *(
        "",
        "hooks",
        "//hooks",
        "ftp://hooks",
        "file:///etc/passwd",
        "gopher://h",
        "https://",
        "https:///x",
        "https://h:x",
    ),
    *(
        "https://h:70000",
        "http://example.com",
        "http://10.0.0.1",
        "https://h\r\nx: y",
        "https://h/\x00",
        "https://h/a b",
    ),
    *(
        "https://[::1",
        "javascript:alert(1)",
        "https://ex%61mple.com",
        "https://a_/..\\",
        "https://" + "a" * 300 + ".com",
    ),
    *("https://h/é", "http://localhost"),
]


@pytest.mark.parametrize("url", WRONG)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(Invalid):
        get(url, Rules(places=frozenset()))


@pytest.mark.parametrize(
    ("url", "on_the_list"),
    [
        ("https://hooks.example.com:444/x", "https://hooks.example.com"),
        ("https://hooks.example.com.evil.org/x", "https://hooks.example.com"),
        ("https://hooks.example.com@evil.org/x", "https://hooks.example.com"),
        ("https://evil.org/https://hooks.example.com", "https://hooks.example.com"),
        ("https://evil.org#@hooks.example.com", "https://hooks.example.com"),
        ("https://evil.org\\@hooks.example.com", "https://hooks.example.com"),
        ("https://127.1/", "http://127.0.0.1"),
        ("https://2130706433/", "http://127.0.0.1"),
    ],
)
def test_what_only_looks_like_the_list_is_refused(url, on_the_list):
    with pytest.raises((Denied, Invalid)):
        get(url, rules(on_the_list))


@given(st.text(max_size=60))
def test_any_text_is_a_place_or_invalid(text):
    for url in (text, f"https://{text}"):
        try:
            place = place_of(url)
        except Invalid:
            continue
        assert place.scheme in ("https", "http")
        assert place == place_of(str(place))


@pytest.mark.parametrize(
    "entry", ["https://h/path", "https://u:p@h", "https://h?x", "10.0.0.0/99", "h", "mailto:", "ftp://h"]
)
def test_a_list_with_something_else_on_it_is_refused_as_a_whole(entry):
    with pytest.raises(Invalid):
        rules("https://hooks.example.com", entry)


def test_mail_goes_to_the_domains_on_the_list():
    allowed = rules("mailto:example.com")
    allowed.require_mail("ada@Example.COM")
    for other in ("ada@example.org", "ada@sub.example.com", "example.com", "ada@example.com@evil.org", "ada@"):
        if other != "example.com":
            with pytest.raises(Error):
                allowed.require_mail(other)


@pytest.mark.parametrize("url", ["https://user:hunter2@hooks.test/hunter2?k=hunter2", "https://hooks.test/hunter2"])
@pytest.mark.parametrize("lookup", [["10.0.0.1"], ["93.184.215.14"], []])
def test_no_error_tells_a_secret_of_the_address(url, lookup, names, dialled_to):
    names.append(lookup)
    with pytest.raises(Error) as raised:
        get(url, rules("https://hooks.test"))
    assert "hunter2" not in f"{raised.value.message} {raised.value.remedy} {raised.value.__cause__!r}"

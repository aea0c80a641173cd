"""Whatever comes, no 5xx and no traceback."""

import json
import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import UnsetType, inspect

from modelwright.app.services import operation_table
from modelwright.core import wire
from support.asgi import Asker
from support.homes import application
from support.people import APPROVALS, PEOPLE, TOKEN, WORKING, a_signer, begin_login
from support.story import told
from support.twins import Alone

TABLE = operation_table()
NAMES = [operation.name for operation in TABLE]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY", "\x00", ""]


@pytest.fixture(scope="module")
def happened(platform):
    """A model's whole life, and that of a team."""
    life = told(Alone(platform))
    team = told(Alone(platform, begin_login(platform, *WORKING)), PEOPLE)
    return life | team | told(Alone(platform, a_signer(platform)), APPROVALS)


@pytest.fixture(scope="module")
def asker(platform, happened) -> Iterator[Asker]:
    """Asks as somebody who may do anything but sign."""
    with closing(application(platform)) as app, closing(Known(app)) as asking:
        yield asking


class Known(Asker):
    """Asks with a token."""

    def post(self, operation: str, body: Any = None, **headers: str) -> Any:
        """Carry out an operation as a well-behaved client would."""
        return super().post(operation, body, authorization=f"Bearer {TOKEN}", **headers)


@pytest.fixture(scope="module")
def story(happened) -> dict[str, Any]:
    """Operation -> a request that makes sense."""
    return {name: msgspec.to_builtins(given) for name, (given, _) in happened.items()}


@pytest.fixture(scope="module")
def known(happened) -> list[str]:
    """Names of what is there."""
    said = "".join(wire.encode(outcome.answer).decode() for _, outcomes in happened.values() for outcome in outcomes)
    ids, digests = ({*re.findall(rf'"([0-9a-f]{{{length}}})"', said)} for length in (32, 64))
    refs = ["delay@1", "delay@champion", "flights@2", "flights@latest", "model:delay@1", "data:flights@2"]
    names = [
        "delay",
        "flights",
        "heuristic",
        "delays",
        "champion",
        "minimal",
        "x",
        "late",
        "at",
        "loss",
        "plots/loss.png",
    ]
    return sorted([*ids][:20]) + sorted([*digests][:20]) + refs + names


_SETTINGS = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

_ODD_TEXT = st.sampled_from(
    [
        "",
        "\x00",
        "é" * 300,
        "../../etc/passwd",
        "'; DROP TABLE runs; --",
        "{{7*7}}",
        "a@1",
        "a@latest",
        "0" * 32,
        "0" * 64,
        "<script>",
        "%n%s",
        "\ud7ff",
        "\U0010ffff",
        "-1",
        "9" * 400,
        "@",
        "a@" + "9" * 15,
        "CON",
        "a\r\nb: c",
        "*",
        "$",
        "2026-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-01-01T00:00:00",
        "NaN",
        "Infinity",
        "SELECT 1",
        "model:a@1",
        "14d",
        "999999d",
        "\u202e",
        "gates: &a [*a]",
        "a: !!python/object:os.system x",
    ]
)
_ODD_NUMBERS = st.sampled_from(
    [0, -1, 1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 2**64, 10**40, 1.5, -0.0, 1e308, 5e-324]
)
_ODD = st.one_of(_ODD_TEXT, _ODD_NUMBERS, st.none(), st.booleans())
_ANYTHING = st.recursive(
    _ODD | st.text(max_size=20) | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def plausible(kind: Any, known: list[str], depth: int = 0) -> st.SearchStrategy[Any]:
    """Values that often have the right type, sometimes name what is there, and seldom make sense."""
    right = _of(kind, known, depth)
    return st.one_of(right, right, right, right, _ODD) if depth < 4 else right


def _of(kind: Any, known: list[str], depth: int) -> st.SearchStrategy[Any]:  # noqa: C901  # one line a type
    match kind:
        case inspect.StrType(pattern=str(pattern)):
            fitting = [st.sampled_from(f)] * 8 if (f := [text for text in known if re.search(pattern, text)]) else []
            return st.one_of(*fitting, st.from_regex(pattern, fullmatch=True), _ODD_TEXT)
        case inspect.StrType():
            return st.one_of(st.sampled_from(known), st.text(max_size=20), _ODD_TEXT)
        case inspect.IntType():
            return st.one_of(st.integers(-3, 10), st.integers(), _ODD_NUMBERS)
        case inspect.FloatType():
            return st.one_of(st.floats(allow_nan=False, allow_infinity=False), _ODD_NUMBERS)
        case inspect.BoolType():
            return st.booleans()
        case inspect.NoneType():
            return st.none()
        case inspect.DateTimeType():
            zones = st.sampled_from(["", "Z", "+14:00", "-14:00", "+00:01"])
            return st.builds(lambda moment, zone: moment.isoformat() + zone, st.datetimes(), zones)
        case inspect.EnumType(cls=cls):
            return st.sampled_from([member.value for member in cls])
        case inspect.LiteralType(values=values):
            return st.sampled_from(values)
        case inspect.UnionType(types=types):
            return st.one_of([plausible(each, known, depth + 1) for each in types if each is not UnsetType])
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item) | inspect.SetType(item_type=item):
            return st.lists(plausible(item, known, depth + 1), max_size=3)
        case inspect.TupleType(item_types=items):
            return st.tuples(*(plausible(item, known, depth + 1) for item in items))
        case inspect.DictType(key_type=key, value_type=value):
            return st.dictionaries(_of(key, known, 9).map(str), plausible(value, known, depth + 1), max_size=3)
        case inspect.StructType(fields=fields):
            required = {f.encode_name: plausible(f.type, known, depth + 1) for f in fields if f.required}
            optional = {f.encode_name: plausible(f.type, known, depth + 1) for f in fields if not f.required}
            return st.fixed_dictionaries(required, optional=optional)
        case _:
            return _ANYTHING


def well_behaved(answer: Any) -> None:
    """Not the server's fault, and nothing of its inside told."""
    assert answer.status < 500, answer
    assert b"Traceback" not in answer.body
    assert b'File "/' not in answer.body
    if answer.status >= 400 and answer.body and answer.headers["content-type"] == "application/json":
        assert answer.error["kind"] in {"invalid", "not_found", "conflict", "refused", "denied", "unavailable"}
        assert answer.error["message"]


@pytest.mark.parametrize("name", NAMES)
def test_arguments_of_the_right_shape_and_no_sense_are_answered(name, asker, known):
    @settings(_SETTINGS, max_examples=25)
    @given(_of(inspect.type_info(TABLE.get(name).request), known, 0))
    def ask(body):
        well_behaved(asker.post(name, json.dumps(body).encode()))

    ask()


@pytest.mark.parametrize("name", NAMES)
def test_any_json_at_all_is_answered(name, asker):
    @_SETTINGS
    @given(_ANYTHING)
    def ask(body):
        well_behaved(asker.post(name, json.dumps(body).encode()))

    ask()


_ODD_VALUES = [
    None,
    True,
    0,
    -1,
    2**63,
    -(2**63) - 1,
    10**40,
    1.5,
    1e308,
    "",
    "\x00",
    "x" * 7000,
    [],
    {},
    [[]],
    {"": 0},
]
_ODD_VALUES += ["a@1", "../../etc/passwd", "9" * 40, "f" * 32, "f" * 64, "é☃\ud7ff", "NaN", "-Infinity"]
_ODD_VALUES += ["2026-01-01T00:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00Z"]


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a request, of lists the first item alone."""
    if path:
        yield path
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _places(inner, (*path, name))
    elif isinstance(value, list) and value:
        yield from _places(value[0], (*path, 0))


def _altered(value: Any, path: tuple[Any, ...], odd: Any) -> Any:
    if not path:
        return odd
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _altered(copy[path[0]], path[1:], odd) if len(path) > 1 else odd
    return copy


@pytest.mark.parametrize("name", NAMES)
def test_a_sensible_request_with_one_value_made_odd_is_answered(name, asker, story):
    sensible = story[name]
    for field in TABLE.get(name).request.__struct_fields__:
        sensible.setdefault(field, None)
    for path in _places(sensible):
        for odd in _ODD_VALUES:
            well_behaved(asker.post(name, json.dumps(_altered(sensible, path, odd)).encode()))


_BOMBS = [
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"[" * 100_000 + b"]" * 100_000,
    b'{"limit": ' + b"9" * 100_000 + b"}",
    b'{"limit": 1e999}',
    b'{"limit": -1e999}',
    b'{"limit": NaN}',
    b'{"limit": Infinity}',
    b'{"limit": 1' + b"0" * 5000 + b".0}",
    b'{"name": "\xff\xfe"}',
    b'{"name": "\\ud800"}',
    b'{"name": "a", "name": "b"}',
    b'{"name": "\\u0000"}',
    b"\xef\xbb\xbf{}",
    "{}".encode("utf-16"),
    b"",
    b"null",
    b"{}{}",
    b"// comment\n{}",
    b'{"__class__": "os.system", "__proto__": {}}',
    b'"' + b"a" * 1_000_000 + b'"',
    b"{" + b",".join(b'"%d":1' % number for number in range(100_000)) + b"}",
]


@pytest.mark.parametrize("name", NAMES)
def test_bombs_do_not_go_off(name, asker):
    for bomb in _BOMBS:
        well_behaved(asker.post(name, bomb))


def test_every_address_answers_every_method(asker):
    for declared in asker.app.declared:
        path = declared.path.replace("{digest}", "0" * 64)
        for method in METHODS:
            well_behaved(asker.ask(method, path, headers={"content-type": "application/json"}, body=[b"{}"]))


@_SETTINGS
@given(path=st.text(max_size=60).map(lambda text: "/" + text), query=st.binary(max_size=40))
def test_any_address_is_answered(asker, path, query):
    well_behaved(asker.ask("GET", path, query=query))
    well_behaved(asker.ask("HEAD", "/api/v1/blobs" + path))
    well_behaved(asker.ask("POST", "/api/v1" + path, headers={"content-type": "application/json"}, body=[b"{}"]))


_QUERIES = [b"", b"after=x", b"q=%00", b"q=%ff%fe", b"&&==&", b"a=1&a=2", b"from=" + b"9" * 400, b"%", b"run=a&run=b"]


def test_every_page_answers_for_every_name(asker, known):
    """Names of what is there, and of what nobody would call anything, in every place of every page."""
    texts = [
        *known[:3],
        *known[-17:],
        "",
        "0",
        "-1",
        "1e9",
        "9" * 30,
        "\x00",
        "..",
        "%2e%2e",
        "é☃",
        "<script>alert(1)</script>",
    ]
    paths = [one.path for one in asker.app.declared if "GET" in one.methods]
    assert "/models/{name}/{version}" in paths
    for path in paths:
        holes = re.findall(r"{\w+}", path)
        for text in texts if holes else [""]:
            for other in ("1", "2", text) if len(holes) > 1 else ("",):
                filled = path.replace(holes[0], text, 1) if holes else path
                filled = filled.replace(holes[1], other) if len(holes) > 1 else filled
                answer = asker.ask("GET", filled)
                assert answer.status < 500, (filled, answer)
                assert b"<script>alert" not in answer.body
        for query in _QUERIES:
            answer = asker.ask("GET", path.replace("{name}", "delay").replace("{version}", "1"), query=query)
            assert answer.status < 500, (path, query, answer)


def test_an_address_without_end_is_too_long(asker):
    assert asker.ask("GET", "/" + "a" * 10_000).status == 414
    assert asker.ask("GET", "/health", query=b"a" * 10_000).status == 414


@_SETTINGS
@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    b"host",
                    b"origin",
                    b"sec-fetch-site",
                    b"content-type",
                    b"content-length",
                    b"transfer-encoding",
                    b"accept",
                    b"idempotency-key",
                    b"x-request-id",
                    b"content-encoding",
                    b"authorization",
                    b"cookie",
                    b"x-http-method-override",
                    b"x-forwarded-for",
                    b"x-forwarded-host",
                    b"forwarded",
                    b"range",
                    b"expect",
                ]
            ),
            st.one_of(
                st.binary(max_size=40).map(lambda value: value.replace(b"\n", b"").replace(b"\r", b"")),
                st.sampled_from(
                    [b"localhost:8900", b"application/json", b"-1", b"1e9", b"9" * 40, b"chunked", b"null"]
                ),
            ),
        ),
        max_size=8,
    )
)
def test_any_header_is_answered(asker, headers):
    well_behaved(asker.ask("POST", "/api/v1/runs.start", headers=headers, body=[b'{"name": "x"}']))
    well_behaved(asker.ask("PUT", f"/api/v1/blobs/{'0' * 64}", headers=headers, body=[b"x"]))


def test_a_forwarded_name_changes_nothing(asker):
    for header in ("x-forwarded-host", "x-original-url", "x-rewrite-url", "x-http-method-override"):
        answer = asker.ask(
            "POST",
            "/api/v1/runs.list",
            headers={"content-type": "text/plain", "authorization": f"Bearer {TOKEN}", header: "/health"},
        )
        assert answer.status == 415


def test_numbers_come_back_as_they_went(asker):
    run_id = asker.post("runs.start", {"name": "numbers"}).json["id"]
    sent = [0.1, 1e-323, -0.0, 1.7976931348623157e308, "NaN", "Infinity"]
    points = [
        {"key": "k", "value": value, "at": "2026-01-01T00:00:00Z", "seq": number} for number, value in enumerate(sent)
    ]
    assert asker.post("runs.log", {"run_id": run_id, "metrics": points}).status == 200
    read = asker.post("runs.history", {"run_id": run_id, "key": "k"}).json["items"]
    assert [point["value"] for point in read] == sent


@pytest.mark.parametrize("name", NAMES)
def test_after_all_of_that_the_home_still_answers(name, asker, story):
    """Runs last: nothing that was taken made what is stored unreadable."""
    well_behaved(asker.post(name, json.dumps(story[name]).encode()))

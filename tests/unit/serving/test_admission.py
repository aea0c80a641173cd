"""Who may ask an endpoint where there is login."""

from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from modelwright.access.credentials import hashed, new_token
from modelwright.core import wire
from modelwright.core.errors import Corrupted
from modelwright.inference.callers import Callers
from modelwright.inference.handler import Handler
from modelwright.serving.callers import PAYLOAD_TYPE, Caller, CallerTable, callers_path, read_callers
from modelwright.serving.model import Closed, RouteTable
from modelwright.store.keys import Keys

NOW = datetime(2026, 3, 1, tzinfo=UTC)
OURS, THEIRS, SPENT = new_token(), new_token(), new_token()


class Door:
    """A worker of a home with login, two endpoints of two projects, and three tokens."""

    def __init__(self, bench, home):
        self.home = home
        self.keys = Keys(home / "keys")
        self.publish(
            {
                OURS: Caller(projects=("default",), expires_at=NOW + timedelta(days=1)),
                THEIRS: Caller(projects=("claims",), expires_at=NOW + timedelta(days=1)),
                SPENT: Caller(projects=("default",), expires_at=NOW),
            }
        )
        self.callers = Callers(home, self.keys.public, clock=lambda: NOW)
        self.bench = bench
        bench.handler = Handler(bench.router, worker="w1", callers=self.callers)

    def publish(self, callers):
        table = CallerTable(callers={hashed(token): caller for token, caller in callers.items()})
        path = callers_path(self.home)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(wire.encode(self.keys.sign(wire.encode(table), PAYLOAD_TYPE)))

    def ask(self, method, path, token=None, body=b""):
        headers = ((b"content-type", b"application/json"),)
        if token is not None:
            headers += ((b"authorization", b"Bearer " + token.encode()),)
        return self.bench.call(method, path, body, headers=headers)


@pytest.fixture
def door(make_bench, a_route_of, tmp_path):
    ours, theirs = a_route_of("delays"), replace(a_route_of("refunds"), project="claims")
    with closing(make_bench(routes=[ours, theirs])) as bench:
        yield Door(bench, tmp_path)


ASKED = ["/v2/models/delays", "/v2/models/delays/ready", "/v2/models/delays/versions/1"]


@pytest.mark.parametrize("path", [*ASKED, "/v2/models/refunds", "/v2/models/none", "/nowhere", "/invocations"])
def test_whoever_is_not_known_hears_nothing_of_what_there_is(door, path):
    for token in (None, "", "mwt_", new_token(), SPENT):
        answer = door.ask("GET", path, token)
        assert answer.status == 401
        assert (b"www-authenticate", b"Bearer") in answer.headers


@pytest.mark.parametrize("path", ASKED)
def test_a_token_opens_the_endpoints_of_its_projects(door, path):
    assert door.ask("GET", path, OURS).status == 200


def test_a_foreign_endpoint_is_like_none(door):
    for prefix, rest in (("/v2/models/", ""), ("/v2/models/", "/infer"), ("/endpoints/", "/invocations")):
        foreign = door.ask("POST", f"{prefix}delays{rest}", THEIRS)
        absent = door.ask("POST", f"{prefix}parcels{rest}", THEIRS)
        assert (foreign.status, absent.status) == (404, 404)
        assert foreign.body.replace(b"delays", b"_") == absent.body.replace(b"parcels", b"_")


def test_that_an_endpoint_was_retired_is_for_those_who_might_have_asked_it(door):
    gone = Closed(endpoint="delays", at=NOW)
    others = tuple(route for route in door.bench.router.live.routes.values() if route.endpoint != "delays")
    door.bench.router.swap(door.bench.router.prepare(RouteTable(generation=2, routes=others, retired=(gone,))))
    foreign, absent = (door.ask("GET", f"/v2/models/{name}", THEIRS) for name in ("delays", "parcels"))
    assert door.ask("GET", "/v2/models/delays", OURS).status == 410
    assert door.ask("GET", "/v2/models/delays").status == 401
    assert (foreign.status, foreign.body.replace(b"delays", b"_")) == (404, absent.body.replace(b"parcels", b"_"))


def test_that_a_worker_lives_is_for_everybody_and_what_it_serves_is_not(door):
    for path in ("/health", "/ping", "/v2", "/v2/health/live", "/v2/health/ready", "/version"):
        assert door.ask("GET", path).status == 200
    assert b"delays" not in door.ask("GET", "/health").body


def test_a_token_that_is_taken_out_of_the_file_opens_nothing_any_more(door):
    door.publish({})
    assert door.ask("GET", "/v2/models/delays", OURS).status == 200
    door.callers.refresh()
    assert door.ask("GET", "/v2/models/delays", OURS).status == 401


@pytest.mark.parametrize("content", [b"", b"{}", b'{"callers":{}}', b"\x00" * 50])
def test_a_file_that_the_home_did_not_sign_lets_nobody_in(door, content):
    callers_path(door.home).write_bytes(content)
    door.callers.refresh()
    answer = door.ask("GET", "/v2/models/delays", OURS)
    assert answer.status == 503
    with pytest.raises(Corrupted):
        read_callers(callers_path(door.home), door.keys.public)
    door.publish({OURS: Caller(projects=("default",), expires_at=NOW + timedelta(days=1))})
    door.callers.refresh()
    assert door.ask("GET", "/v2/models/delays", OURS).status == 200


def test_a_table_that_another_key_signed_is_refused(door, tmp_path):
    other = Keys(tmp_path / "other")
    table = CallerTable(callers={})
    callers_path(door.home).write_bytes(wire.encode(other.sign(wire.encode(table), PAYLOAD_TYPE)))
    door.callers.refresh()
    assert door.ask("GET", "/v2/models/delays", OURS).status == 503


def test_without_login_everybody_on_this_machine_may_ask_and_nobody_else(tmp_path):
    keys = Keys(tmp_path / "keys")
    assert Callers(tmp_path, keys.public).projects(()) is None
    assert Callers(tmp_path, keys.public).everybody
    closed = Callers(tmp_path, keys.public, closed=True)
    with pytest.raises(Exception, match="there is no login"):
        closed.projects(())

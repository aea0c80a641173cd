"""Whoever asks a retired endpoint is told so: 410, in the words of each protocol."""

from datetime import UTC, datetime

import msgspec
import pytest

from modelwright.serving.model import Closed, RouteTable

from .conftest import Bench, a_route

GONE = Closed(endpoint="delays", at=datetime(2026, 3, 1, 12, tzinfo=UTC))
TOLD = "The endpoint delays was retired on 2026-03-01 12:00Z. Nothing answers here any more."


@pytest.fixture
def bench():
    made = Bench()
    yield made
    made.close()


def retire(bench, *others):
    bench.router.swap(bench.router.prepare(RouteTable(generation=2, routes=others, retired=(GONE,))))


@pytest.mark.parametrize(
    ("method", "path", "field"),
    [
        ("GET", "/v2/models/delays", "error"),
        ("GET", "/v2/models/delays/ready", "error"),
        ("GET", "/v2/models/delays/versions/1", "error"),
        ("POST", "/v2/models/delays/infer", "error"),
        ("POST", "/endpoints/delays/invocations", "message"),
    ],
)
def test_every_protocol_says_that_it_is_gone(bench, method, path, field):
    assert bench.call(method, path, b"{}").status in (200, 400)
    retire(bench, a_route("arrivals"))
    answer = bench.call(method, path, b"{}")
    assert answer.status == 410
    assert msgspec.json.decode(answer.body)[field] == TOLD


def test_the_only_endpoint_is_gone_at_the_plain_address_too(bench):
    retire(bench)
    answer = bench.call("POST", "/invocations", b"{}")
    assert answer.status == 410
    assert msgspec.json.decode(answer.body) == {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": TOLD}


def test_the_others_answer_and_the_worker_is_ready(bench):
    retire(bench, a_route("arrivals"))
    assert bench.call("GET", "/v2/models/arrivals").status == 200
    retire(bench)
    assert bench.call("GET", "/v2/health/ready").status == 200
    assert bench.call("GET", "/v2/models/unknown").status == 404


def test_once_it_is_deployed_again_it_answers(bench):
    retire(bench)
    bench.deploy(3, a_route())
    assert bench.call("GET", "/v2/models/delays").status == 200

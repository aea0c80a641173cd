"""Routes travel signed, arrive whole, and are swapped in without a failed request."""

import asyncio
import subprocess
import sys
from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest

from modelwright.core import wire
from modelwright.core.errors import Corrupted, NotFound
from modelwright.inference.handler import Handler
from modelwright.inference.watch import Place, Watcher
from modelwright.serving import publication
from modelwright.serving.model import Acknowledgement, RouteTable
from modelwright.store.keys import Keys


@pytest.fixture
def keys(tmp_path):
    return Keys(tmp_path / "keys")


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def publish(home, keys):
    def write(generation, *routes, signed_by=keys):
        table = RouteTable(generation=generation, routes=routes)
        publication.write(publication.routes_path(home), table, keys=signed_by)

    return write


@pytest.fixture
def follow(bench, home, keys):
    """A worker that follows the routes of a home, and what it last said."""

    def make(model=None):
        one = bench(model, routes=[]) if model else bench(routes=[])
        one.router.live = msgspec.structs.replace(one.router.live, generation=0)
        place = Place(home, keys.public, "w1")
        one.watcher = Watcher(one.router, place, executor=one.executor)
        one.handler = Handler(one.router, worker="w1", problem=lambda: one.watcher.error)
        one.refresh = lambda: asyncio.run(one.watcher.refresh())
        one.said = lambda: publication.acknowledgements(publication.workers_folder(home))[0]
        return one

    return make


def by_version(route):
    """A package whose model answers its own version."""
    return lambda columns: np.full(len(columns["distance"]), float(route.version))


by_version.per_route = True


def test_a_table_comes_back_as_it_was_written(home, keys, kit, publish):
    publish(3, kit.route(), kit.route("arrivals", version=2))
    table = publication.read(publication.routes_path(home), keys.public)
    assert table.generation == 3
    assert table.lookup("arrivals") == kit.route("arrivals", version=2)
    with pytest.raises(NotFound, match="nothing"):
        table.lookup("nothing")
    assert [path.name for path in (home / "serving").iterdir()] == ["routes.json"], "no temporary file is left"


def test_a_table_that_was_not_published_is_not_found(home, keys):
    with pytest.raises(NotFound, match="nothing is deployed yet"):
        publication.read(publication.routes_path(home), keys.public)


@pytest.mark.parametrize("damage", ["other key", "altered", "cut", "not JSON", "unsigned", "other type"])
def test_a_table_the_key_did_not_sign_is_refused_and_named(home, keys, kit, publish, tmp_path, damage):
    path = publication.routes_path(home)
    publish(1, kit.route(), signed_by=Keys(tmp_path / "other") if damage == "other key" else keys)
    envelope = msgspec.json.decode(path.read_bytes())
    match damage:
        case "altered":
            envelope["payload"] = envelope["payload"][:40] + "AAAA" + envelope["payload"][44:]
            path.write_bytes(msgspec.json.encode(envelope))
        case "cut":
            path.write_bytes(path.read_bytes()[:-20])
        case "not JSON":
            path.write_bytes(b"\xff\x00")
        case "unsigned":
            path.write_bytes(msgspec.json.encode(envelope | {"signatures": []}))
        case "other type":
            path.write_bytes(wire.encode(keys.sign(b"{}", "text/plain")))
    with pytest.raises(Corrupted, match=r"routes\.json is refused"):
        publication.read(path, keys.public)


def test_a_table_has_one_route_per_endpoint(kit):
    with pytest.raises(ValueError, match="two routes"):
        RouteTable(generation=1, routes=(kit.route(), kit.route(version=2)))


def test_what_cannot_be_read_is_no_acknowledgement(tmp_path):
    said = Acknowledgement(worker="w1", pid=1, generation=2, routes={}, error=None, at=datetime.now(UTC))
    publication.acknowledge(tmp_path, said)
    (tmp_path / "w2.json").write_bytes(b"{")
    assert publication.acknowledgements(tmp_path) == [said]


def test_a_worker_that_has_not_looked_yet_is_not_ready(follow):
    worker = follow()
    assert worker.call("GET", "/health").status == 503


def test_a_worker_is_ready_when_nothing_is_deployed_yet(follow, kit):
    worker = follow()
    worker.refresh()
    assert (worker.said().generation, worker.said().error) == (0, None)
    assert worker.call("GET", "/health").status == 200
    assert worker.infer(kit.ROW).status == 404


def test_a_worker_whose_first_package_is_missing_is_not_ready_and_says_why(follow, kit, publish):
    def missing(route):
        raise NotFound("There is no blob 0123….")

    missing.per_route = True
    worker = follow(missing)
    publish(1, kit.route())
    worker.refresh()
    assert worker.said().problems == {"delays": "There is no blob 0123…."}
    response = worker.call("GET", "/health")
    assert response.status == 503
    assert "no blob" in kit.read(response)["reason"]
    assert worker.infer(kit.ROW).status == 503


def test_a_package_that_does_not_load_keeps_no_other_endpoint_from_answering(follow, kit, publish):
    def loads(route):
        if route.endpoint == "arrivals":
            raise Corrupted("coefficients.bin of flight-delay@3 has been altered.")
        return by_version(route)

    loads.per_route = True
    worker = follow(loads)
    publish(1, kit.route(), kit.route("arrivals", version=3))
    worker.refresh()
    assert (worker.said().error, worker.said().routes) == (None, {"delays": f"{1:064x}"})
    assert worker.infer(kit.ROW).status == 200
    assert worker.call("GET", "/health").status == 200
    refused = worker.call("POST", "/v2/models/arrivals/infer", kit.oip(kit.ROW))
    assert (refused.status, b"has been altered" in refused.body) == (503, True)
    assert worker.invoke({"inputs": {}}).status == 404, "/invocations does not come to mean the other endpoint"


def test_what_did_not_load_is_tried_again(follow, kit, publish, monkeypatch):
    there = []

    def loads(route):
        if route.version == 2 and not there:
            raise NotFound("There is no blob 0123….")
        return by_version(route)

    loads.per_route = True
    worker = follow(loads)
    monkeypatch.setattr("modelwright.inference.watch.RETRY_SECONDS", 0)
    publish(1, kit.route(version=2))
    worker.refresh()
    there.append("now")
    worker.refresh()
    assert (worker.said().problems, worker.infer(kit.ROW).status) == ({}, 200)


def test_a_worker_acknowledges_the_generation_it_answers_with(follow, kit, publish):
    worker = follow()
    publish(4, kit.route(version=2))
    worker.refresh()
    said = worker.said()
    assert (said.generation, said.error, said.routes) == (4, None, {"delays": f"{2:064x}"})
    assert worker.infer(kit.ROW).status == 200


def test_a_package_that_does_not_load_leaves_the_old_one_in_place(follow, kit, publish):
    def loads(route):
        if route.version == 2:
            raise Corrupted("coefficients.bin of flight-delay@2 has been altered.")
        return by_version(route)

    loads.per_route = True
    worker = follow(loads)
    publish(1, kit.route())
    worker.refresh()
    publish(2, kit.route(version=2), kit.route("arrivals", version=3))
    worker.refresh()
    said = worker.said()
    assert (said.generation, said.routes) == (2, {"delays": f"{1:064x}", "arrivals": f"{3:064x}"})
    assert said.problems == {"delays": "coefficients.bin of flight-delay@2 has been altered."}
    assert kit.read(worker.infer(kit.ROW))["outputs"][0]["data"] == [1.0]
    publish(3, kit.route(version=4))
    worker.refresh()
    assert (worker.said().generation, worker.said().problems) == (3, {})


def test_a_table_with_a_bad_signature_is_refused_while_the_old_one_answers(follow, kit, publish, tmp_path):
    worker = follow()
    publish(1, kit.route())
    worker.refresh()
    publish(2, kit.route(version=2), signed_by=Keys(tmp_path / "stranger"))
    worker.refresh()
    assert worker.said().generation == 1
    assert "routes.json is refused" in worker.said().error
    assert worker.infer(kit.ROW).status == 200


def test_an_older_table_is_not_taken_back(follow, kit, publish):
    worker = follow()
    publish(5, kit.route(version=2))
    worker.refresh()
    publish(4, kit.route())
    worker.refresh()
    assert worker.said().generation == 5
    assert "older than the 5 that is live" in worker.said().error


def test_one_generation_has_one_table(follow, kit, publish):
    worker = follow()
    publish(5, kit.route(version=2))
    worker.refresh()
    publish(5, kit.route(version=1))
    worker.refresh()
    assert worker.said().routes == {"delays": f"{2:064x}"}
    assert "other routes" in worker.said().error


def test_a_worker_keeps_answering_when_its_routes_are_gone(follow, home, kit, publish):
    worker = follow()
    publish(1, kit.route())
    worker.refresh()
    publication.routes_path(home).unlink()
    worker.refresh()
    assert "is gone" in worker.said().error
    assert worker.infer(kit.ROW).status == 200
    assert worker.call("GET", "/health").status == 200


def test_a_package_that_is_live_is_not_loaded_again(follow, kit, publish):
    worker = follow()
    publish(1, kit.route(), kit.route("arrivals", version=2))
    worker.refresh()
    publish(2, kit.route(), kit.route("arrivals", version=3), kit.route("copy", version=1))
    worker.refresh()
    assert worker.loaded == [1, 2, 3]


def test_an_endpoint_that_is_gone_is_not_found(follow, kit, publish):
    worker = follow()
    publish(1, kit.route())
    worker.refresh()
    publish(2)
    worker.refresh()
    assert worker.infer(kit.ROW).status == 404
    assert worker.call("GET", "/health").status == 200


def test_no_request_fails_while_fifty_versions_are_swapped_in(follow, kit, publish):
    worker = follow(by_version)
    publish(1, kit.route())
    failed, answered, done = [], [], asyncio.Event()

    async def client():
        body = msgspec.json.encode(kit.oip(kit.ROW))
        while not done.is_set():
            begun = worker.router.live.generation
            response = await worker.ask("POST", "/v2/models/delays/infer", body)
            if response.status != 200:
                failed.append(response)
            else:
                said = kit.read(response)
                answered.append((begun, int(said["model_version"]), said["outputs"][0]["data"][0]))
            await asyncio.sleep(0)

    async def swaps():
        await worker.watcher.refresh()
        clients = [asyncio.create_task(client()) for _ in range(16)]
        for generation in range(2, 53):
            await asyncio.to_thread(publish, generation, kit.route(version=generation))
            await worker.watcher.refresh()
        done.set()
        await asyncio.gather(*clients)

    asyncio.run(swaps())
    assert failed == []
    assert worker.said().generation == 52
    assert len({version for _, version, _ in answered}) > 25
    for begun, version, output in answered:
        assert version == output, "the answer names the version that gave it"
        assert version >= begun, "a request that begins after a swap is answered by the new version"
    assert {batch.generation for batch in worker.log.batches} <= set(range(1, 53))
    assert all(batch.generation == batch.version for batch in worker.log.batches)


def test_a_watcher_follows_the_file_and_beats(follow, kit, publish):
    worker = follow()

    async def watch():
        async with asyncio.timeout(20):
            watching = asyncio.create_task(worker.watcher.run())
            for generation in (1, 2):
                worker.watcher.changed.clear()
                publish(generation, kit.route(version=generation))
                while worker.router.live.generation < generation:
                    await worker.watcher.changed.wait()
                    worker.watcher.changed.clear()
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    asyncio.run(watch())
    assert worker.said().generation == 2
    worker.watcher.leave()


def test_a_worker_needs_neither_pandas_nor_a_database():
    code = (
        "import sys, modelwright.inference.worker\n"
        "sys.exit(', '.join({'pandas', 'mlflow', 'sqlalchemy', 'pyarrow', 'duckdb', 'sklearn', 'scipy'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")

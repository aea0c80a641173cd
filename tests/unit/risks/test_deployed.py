"""Guards travel with deployments: as the register stood, in the route that workers verify, on record."""

import pytest

import modelwright as mw
from modelwright.app.connect import Workspace
from modelwright.app.workspace import LocalCaller
from modelwright.core import wire
from modelwright.core.errors import Corrupted, Invalid
from modelwright.risks.model import Fallback
from modelwright.serving import publication
from support.challenge import APRIL, JANUARY, coarse
from support.homes import fresh_platform
from support.life import BASELINE, CHARTER, ENDPOINT, MODEL, heuristic, questions, real


def register(**guards):
    """A register whose risks are called by their guards' columns."""
    rating = {"severity": 2, "likelihood": 2}
    words = {"what": "It is too sure.", "harms": "Customers.", "inherent": rating, "residual": rating}
    return {
        "model": MODEL,
        "risks": {name: {**words, "when": f"{name} > 1", "guard": guard} for name, guard in guards.items()},
    }


class Shop:
    """A home with a coarse version, which takes ``x``, and a real one, which takes ``x`` and ``z``."""

    def __init__(self, folder):
        self.platform = fresh_platform(folder)
        self.ws = Workspace(self.platform.table, LocalCaller(self.platform), "here")
        table = questions(1500, since=JANUARY, until=APRIL, seed=1)
        self.ws.data.add("questions", table, key="id", event_time="asked_at", known_at="known_at")
        for name, fit in ((BASELINE, heuristic), (MODEL, coarse), (MODEL, real)):
            self.ws.charters.publish(name, CHARTER)
            model, columns = fit(table)
            version = self.ws.models.save(model, name, example=table.select(columns))
            mw.evaluate(self.ws, version.ref, "questions@1", explain=False)

    @property
    def folder(self):
        return self.platform.home.folder

    def route(self):
        path = publication.routes_path(self.folder)
        return publication.read(path, self.platform.keys.public).by_endpoint[ENDPOINT]


@pytest.fixture
def shop(tmp_path):
    made = Shop(tmp_path)
    yield made
    made.platform.close()


def test_guards_go_along_with_a_deployment_and_are_in_the_signed_route(shop):
    shop.ws.risks.publish(register(x={"fallback": 0.25}))
    shop.ws.endpoints.deploy(ENDPOINT, f"{MODEL}@1")
    [guard] = shop.ws.endpoints.get(ENDPOINT).current.guards
    assert (guard.risk, guard.when, guard.guard) == ("x", "x > 1", Fallback(fallback=0.25))
    assert shop.route().guards == (guard,)
    moved = [e.envelope.body for e in shop.ws.ledger.list("serving.endpoint_moved", limit=10).items]
    assert moved[0]["guards"] == wire.digest((guard,))


def test_who_changes_a_guard_in_the_published_routes_is_found(shop):
    shop.ws.risks.publish(register(x="refuse"))
    shop.ws.endpoints.deploy(ENDPOINT, f"{MODEL}@1")
    path = publication.routes_path(shop.folder)
    said = wire.decode(path.read_bytes(), dict)
    said["payload"] = said["payload"][:-8] + "AAAAAAAA"
    path.write_bytes(wire.encode(said))
    with pytest.raises(Corrupted):
        shop.route()


def test_a_changed_register_reaches_an_endpoint_with_its_next_deployment(shop):
    shop.ws.endpoints.deploy(ENDPOINT, f"{MODEL}@1")
    assert shop.route().guards == ()
    shop.ws.risks.publish(register(x="flag"))
    assert shop.ws.endpoints.get(ENDPOINT).current.guards == ()
    again = shop.ws.endpoints.deploy(ENDPOINT, f"{MODEL}@1")
    assert again.generation == 2
    assert [each.risk for each in shop.route().guards] == ["x"]
    assert shop.ws.endpoints.deploy(ENDPOINT, f"{MODEL}@1").generation == 2  # the same again is no change


def test_a_version_that_cannot_be_asked_a_guard_is_not_deployed_by_hand_and_a_way_back_stays(shop):
    shop.ws.endpoints.deploy(ENDPOINT, f"{MODEL}@1")
    shop.ws.risks.publish(register(x="flag", z="refuse"))
    shop.ws.endpoints.deploy(ENDPOINT, f"{MODEL}@2")
    assert [each.risk for each in shop.route().guards] == ["x", "z"]
    with pytest.raises(Invalid, match="The guards of z name columns that late@1 does not take"):
        shop.ws.endpoints.deploy(ENDPOINT, f"{MODEL}@1")
    shop.ws.endpoints.rollback(ENDPOINT, reason="it is worse").decision.require()
    assert (shop.route().version, [each.risk for each in shop.route().guards]) == (1, ["x"])

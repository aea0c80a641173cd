"""One command under one key is done once, and everybody who asked hears the first answer."""

from contextlib import closing

import pytest

from modelwright.core.errors import Conflict
from modelwright.core.identity import OWNER
from modelwright.core.operation import Service, operation
from modelwright.core.unit import Unit
from support.homes import fresh_platform


class Names(Service):
    """A room where a name can be taken once."""

    noun = "names"

    def __init__(self):
        self.taken = set()
        self.meanwhile = lambda: None

    @operation(permission="names:write", kind="command")
    def take(self, unit: Unit, name: str) -> str:
        """Take a name."""
        meanwhile, self.meanwhile = self.meanwhile, lambda: None
        meanwhile()
        if name in self.taken:
            raise Conflict(f"{name} is taken.")
        self.taken.add(name)
        return f"{name} is yours, {unit.request_id}"


@pytest.fixture
def room(tmp_path):
    with closing(fresh_platform(tmp_path)) as platform:
        service = Names()

        def take(name, key, request_id):
            found = Names.operations()["take"]
            return platform.units.run(
                found, service, found.bind((name,), {}), identity=OWNER, idempotency_key=key, request_id=request_id
            )

        yield service, take


def test_a_retry_that_runs_into_its_own_first_attempt_gets_that_answer(room):
    service, take = room
    service.meanwhile = lambda: take("ada", "key", "first")
    assert take("ada", "key", "second") == "ada is yours, first"


def test_a_refusal_stays_one_where_the_name_was_taken_under_another_key(room):
    service, take = room
    service.meanwhile = lambda: take("ada", "other", "first")
    with pytest.raises(Conflict, match="ada is taken"):
        take("ada", "key", "second")

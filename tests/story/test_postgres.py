"""LAW: a home answers the same wherever its records are. The whole story, on SQLite and through every face on PostgreSQL."""

from contextlib import ExitStack

import pytest

from modelwright.app.services import operation_table
from modelwright.core import wire
from support.people import APPROVALS, PEOPLE
from support.story import Outcome, told
from support.twins import twins


@pytest.fixture(scope="module")
def happened(cluster, tmp_path_factory) -> dict[str, tuple[Outcome, ...]]:
    """Operation -> what came of it on SQLite, and on PostgreSQL in process, over HTTP and as a command."""
    with ExitStack() as stack:
        databases = [stack.enter_context(cluster.database()) for _ in range(3)]
        every = stack.enter_context(twins(tmp_path_factory.mktemp("twins"), databases))
        found = told(every)
        every.login()
        found |= told(every, PEOPLE)
        every.change_to_the_signer()
        found |= told(every, APPROVALS)
        for home in every.homes[1:]:
            assert not {"control.db", "telemetry.db"} & {path.name for path in home.iterdir()}
    return {name: outcomes for name, (_, outcomes) in found.items()}


@pytest.mark.parametrize("name", [operation.name for operation in operation_table()])
def test_an_operation_answers_the_same_wherever_the_records_are(name, happened):
    here, *others = happened[name]
    assert here.error is None, here.error
    for other in others:
        assert other.error is None, other.error
        assert wire.encode(here.answer) == wire.encode(other.answer)

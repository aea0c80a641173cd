"""LAW: what an operation answers in process is what it answers over HTTP, and what its command prints with ``--json``.

Four homes live one life: registered data, a run, a model, its charter and evidence, the gates, an endpoint and its
predictions. Each operation is called in two of them and typed as a command in the others, with ``--home`` and with
``--url``. An operation without a case in ``support/story.py`` fails, and so does one that ``support/commands.py`` gives
neither a command nor the reason why it has none.
"""

from datetime import UTC, datetime
from typing import Any

import pytest

from modelwright.app.services import operation_table
from modelwright.cli.main import EXIT_CODES
from modelwright.core import wire
from modelwright.core.operation import Download
from support.commands import COMMANDS, WITHOUT, command
from support.people import APPROVALS, PEOPLE
from support.story import CASES, Outcome, charter_of, told
from support.twins import twins


@pytest.fixture(scope="module")
def happened(tmp_path_factory) -> dict[str, tuple[Outcome, ...]]:
    """The whole story, told once: operation -> what came of it here and there."""
    with twins(tmp_path_factory.mktemp("twins")) as both:
        found = told(both)
        for name, (given, outcomes) in found.items():
            if isinstance(outcomes[0].answer, Download):
                assert len(both.download(name, given, outcomes[0].answer)) == 1
        both.login()
        found |= told(both, PEOPLE)
        both.change_to_the_signer()
        found |= told(both, APPROVALS)
    return {name: outcomes for name, (_, outcomes) in found.items()}


@pytest.mark.parametrize("name", [operation.name for operation in operation_table()])
def test_an_operation_answers_the_same_through_every_face(name, happened):
    assert name in happened, f"{name} has no case: write one in support/story.py"
    here, *others = happened[name]
    assert here.error is None, here.error
    for other in others:
        assert other.error is None, other.error
        assert here.kind is other.kind
        assert here.answer == other.answer
        assert wire.encode(here.answer) == wire.encode(other.answer)


def test_every_operation_has_a_command_or_a_reason_why_not():
    every = {operation.name for operation in operation_table()}
    assert COMMANDS.keys() | WITHOUT.keys() == every
    assert not COMMANDS.keys() & WITHOUT.keys()


def test_every_case_is_of_an_operation():
    assert {*CASES, *PEOPLE, *APPROVALS} == {operation.name for operation in operation_table()}


UNTYPED: list[tuple[str, dict[str, Any]]] = [
    ("runs.get", {}),
    ("runs.get", {"run_id": "0" * 32, "more": 1}),
    ("runs.start", {"name": "a" * 129}),
    ("runs.start", {"name": "r", "parameters": {"": "x"}}),
    ("runs.start", {"name": "r", "parameters": {"k": 5}}),
    ("runs.start", {"name": "r", "capture": {"diff": "0" * 64}}),
    ("runs.list", {"limit": 0}),
    ("runs.list", {"limit": 2**80}),
    ("runs.list", {"limit": 1.5}),
    ("models.register", {"name": "m", "flavour": "f", "task": "binary", "inputs": {"columns": []}, "files": []}),
    ("data.commit", {"name": "d", "parts": [{"digest": "0" * 64, "size": 1}]}),
    ("evidence.evaluate", {"ref": "m@1", "dataset": "d@1", "scores": {"digest": "0" * 64, "size": 1}}),
    ("labels.add", {"endpoint": "e", "ids": [], "values": [], "known_at": []}),
    ("ledger.read", {"limit": 10_001}),
    ("ledger.verify", {"against": ["no checkpoint"]}),
    ("ledger.consistency", {"since": "no checkpoint"}),
    ("ledger.record_anchor", {"checkpoint": "no checkpoint", "place": "file"}),
    ("ledger.record_anchor", {"checkpoint": "no checkpoint", "place": "the moon"}),
]
"""What callers can do wrong where a command has no words for it."""

ERRORS: list[tuple[str, dict[str, Any]]] = [
    ("runs.get", {"run_id": "0" * 32}),
    ("runs.get", {"run_id": "no id"}),
    ("runs.list", {"after": "zzz"}),
    ("models.get", {"ref": "nothing@1"}),
    ("models.get", {"ref": "nothing"}),
    ("models.set_alias", {"ref": "delay@1", "alias": "latest"}),
    ("models.versions", {"name": "nothing"}),
    ("data.query", {"sql": "SELECT * FROM read_csv('/etc/passwd')"}),
    ("data.query", {"sql": "SELEC"}),
    ("charters.publish", {"model": "m", "charter": charter_of(kpi={"metric": "roc_auc", "at_most": 0.5})}),
    ("policies.publish", {"text": "gates: [\n"}),
    (
        "labels.add",
        {"endpoint": "e", "ids": ["0" * 32], "values": [1.0], "known_at": [datetime(2026, 1, 1, tzinfo=UTC)]},
    ),
    ("endpoints.get", {"endpoint": "e"}),
    ("lineage.up", {"node": "planet:earth"}),
    ("lifecycle.trace", {"prediction_id": "0" * 32}),
    ("ledger.list", {"after": "-1"}),
    ("ledger.receipt", {"seq": 10**6}),
]


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    with twins(tmp_path_factory.mktemp("twins")) as both:
        yield both


@pytest.mark.parametrize(
    ("name", "arguments"), [*UNTYPED, *ERRORS], ids=lambda value: value if isinstance(value, str) else None
)
def test_an_error_is_the_same_in_process_and_over_http(name, arguments, empty):
    here, there = empty.called(name, arguments)
    assert here.error is not None
    assert here == there


@pytest.mark.parametrize(("name", "arguments"), ERRORS, ids=lambda value: value if isinstance(value, str) else None)
def test_a_command_says_the_error_on_one_line_and_ends_with_its_kind(name, arguments, empty):
    here, _ = empty.called(name, arguments)
    line = f"Error: {here.error.message} {here.error.remedy}".replace("\n", " ").strip() + "\n"
    for twin in empty.twins[2:]:
        done = command(*twin.where, *COMMANDS[name](arguments, empty.files), "--json")
        assert done == (EXIT_CODES.get(here.error.kind, 1), "", line)


def test_a_key_used_for_something_else_is_the_same_conflict(empty):
    operation = empty.table.get("runs.start")
    said = []
    for caller in (empty.local, empty.remote):
        caller.call(operation, operation.bind((), {"name": "one"}), idempotency_key="key")
        with pytest.raises(Exception, match="was used") as raised:
            caller.call(operation, operation.bind((), {"name": "two"}), idempotency_key="key")
        said.append((type(raised.value), raised.value.message, raised.value.remedy))
    assert said[0] == said[1]

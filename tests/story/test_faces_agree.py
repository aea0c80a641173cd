"""LAW: what an operation answers in process is what it answers over HTTP, for every operation of the table.

Two homes live one life: registered data, a run, a model, its charter and evidence, the gates, an endpoint and its
predictions. Each operation is called in both; an operation without a case in ``support/story.py`` fails.
"""

from datetime import UTC, datetime
from typing import Any

import pytest

from modelwright.app.services import operation_table
from modelwright.core import wire
from modelwright.core.operation import Download
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
    return {name: outcomes for name, (_, outcomes) in found.items()}


@pytest.mark.parametrize("name", [operation.name for operation in operation_table()])
def test_an_operation_answers_the_same_in_process_and_over_http(name, happened):
    assert name in happened, f"{name} has no case: write one in support/story.py"
    here, there = happened[name]
    assert here.error is None, here.error
    assert there.error is None, there.error
    assert here.kind is there.kind
    assert here.answer == there.answer
    assert wire.encode(here.answer) == wire.encode(there.answer)


def test_every_case_is_of_an_operation():
    assert set(CASES) == {operation.name for operation in operation_table()}


ERRORS: list[tuple[str, dict[str, Any]]] = [
    ("runs.get", {"run_id": "0" * 32}),
    ("runs.get", {"run_id": "no id"}),
    ("runs.get", {}),
    ("runs.get", {"run_id": "0" * 32, "more": 1}),
    ("runs.start", {"name": "a" * 129}),
    ("runs.start", {"name": "r", "parameters": {"": "x"}}),
    ("runs.start", {"name": "r", "parameters": {"k": 5}}),
    ("runs.start", {"name": "r", "capture": {"diff": "0" * 64}}),
    ("runs.list", {"limit": 0}),
    ("runs.list", {"limit": 2**80}),
    ("runs.list", {"limit": 1.5}),
    ("runs.list", {"after": "zzz"}),
    ("models.get", {"ref": "nothing@1"}),
    ("models.get", {"ref": "nothing"}),
    ("models.set_alias", {"ref": "delay@1", "alias": "latest"}),
    ("models.versions", {"name": "nothing"}),
    ("models.register", {"name": "m", "flavour": "f", "task": "binary", "inputs": {"columns": []}, "files": []}),
    ("data.commit", {"name": "d", "parts": [{"digest": "0" * 64, "size": 1}]}),
    ("data.query", {"sql": "SELECT * FROM read_csv('/etc/passwd')"}),
    ("data.query", {"sql": "SELEC"}),
    ("charters.publish", {"model": "m", "charter": charter_of(kpi={"metric": "roc_auc", "at_most": 0.5})}),
    ("policies.publish", {"text": "gates: [\n"}),
    ("evidence.evaluate", {"ref": "m@1", "dataset": "d@1", "scores": {"digest": "0" * 64, "size": 1}}),
    ("labels.add", {"endpoint": "e", "ids": [], "values": [], "known_at": []}),
    (
        "labels.add",
        {"endpoint": "e", "ids": ["0" * 32], "values": [1.0], "known_at": [datetime(2026, 1, 1, tzinfo=UTC)]},
    ),
    ("endpoints.get", {"endpoint": "e"}),
    ("lineage.up", {"node": "planet:earth"}),
    ("lifecycle.trace", {"prediction_id": "0" * 32}),
    ("ledger.list", {"after": "-1"}),
    ("ledger.read", {"limit": 10_001}),
]


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    with twins(tmp_path_factory.mktemp("twins")) as both:
        yield both


@pytest.mark.parametrize(("name", "arguments"), ERRORS, ids=lambda value: value if isinstance(value, str) else None)
def test_an_error_is_the_same_in_process_and_over_http(name, arguments, empty):
    here, there = empty.do(name, arguments)
    assert here.error is not None
    assert here == there


def test_a_key_used_for_something_else_is_the_same_conflict(empty):
    operation = empty.table.get("runs.start")
    said = []
    for caller in (empty.local, empty.remote):
        caller.call(operation, operation.bind((), {"name": "one"}), idempotency_key="key")
        with pytest.raises(Exception, match="was used") as raised:
            caller.call(operation, operation.bind((), {"name": "two"}), idempotency_key="key")
        said.append((type(raised.value), raised.value.message, raised.value.remedy))
    assert said[0] == said[1]

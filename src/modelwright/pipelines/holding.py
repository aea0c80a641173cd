"""Who holds an execution, and what it looks like to others."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from modelwright.core.errors import Conflict, NotFound
from modelwright.core.unit import Rows, Unit
from modelwright.pipelines.model import Execution, ExecutionEnded, Status
from modelwright.store.ports import Lease, Queue

if TYPE_CHECKING:  # weight: SQLAlchemy, which a remote client does without
    from modelwright.pipelines.repository import ExecutionRepository

LEASE = timedelta(seconds=30)
"""A holder that is silent for so long has lost the execution."""


def lease_name(execution_id: str) -> str:
    """The lease under which an execution is held."""
    return f"pipelines.execution.{execution_id}"


def lease_of(execution_id: str, owner: str, token: int) -> Lease:
    """A holder's lease as it says it is."""
    return Lease(name=lease_name(execution_id), owner=owner, token=token)


def refuse_stranger(queue: Queue, rows: Rows, lease: Lease, *, duration: timedelta) -> None:
    """Renew a holder's lease.

    Raises:
        Conflict: Another one has it, so what this one did is not taken.
    """
    if not queue.renew(rows, lease, duration):
        raise Conflict(
            f"Another process holds {lease.name.rpartition('.')[2]}: the lease of {lease.owner} is over.",
            remedy="Nothing to do: the other one goes on with it.",
        )


def existing(repository: ExecutionRepository, unit: Unit, execution_id: str) -> Execution:
    """One execution.

    Raises:
        NotFound: There is none.
    """
    found = repository.get(unit.rows, unit.project, execution_id)
    if found is None:
        raise NotFound(f"There is no execution {execution_id}.", remedy="See what there is: modelwright pipeline list")
    return found


def seen(queue: Queue, rows: Rows, found: Sequence[Execution]) -> list[Execution]:
    """Executions as they are: one that runs while nobody holds it is interrupted."""
    running = {lease_name(one.id): one.id for one in found if one.status is Status.RUNNING}
    lost = {running[name] for name in queue.expired(rows, list(running))} if running else set()
    return [replace(one, status=Status.INTERRUPTED) if one.id in lost else one for one in found]


def ended(repository: ExecutionRepository, unit: Unit, execution: Execution) -> Execution:
    """Write that an execution ended, and tell."""
    repository.save(unit.rows, execution)
    unit.emit(
        ExecutionEnded(
            execution_id=execution.id,
            pipeline=execution.pipeline,
            status=execution.status,
            result=execution.result.digest if execution.result else None,
        )
    )
    return execution

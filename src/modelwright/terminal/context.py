"""The workspace that commands talk to, opened when the first one asks."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

import typer

from modelwright.core.errors import Error
from modelwright.terminal.output import transferring

if TYPE_CHECKING:
    from modelwright.app.connect import Workspace

_ID = 32
"""Characters of an opaque id."""


class Context:
    """Where to find the workspace, by ``--home`` or ``--url`` or as ``connect()`` looks for it, and the project."""

    def __init__(self, where: str | None, project: str | None = None) -> None:
        self.where = where
        self.project = project
        self._workspace: Workspace | None = None
        self._names: dict[str, str] = {}

    @property
    def remote(self) -> bool:
        """Whether it was said to be behind a server."""
        return self.where is not None and "://" in self.where

    @property
    def workspace(self) -> Workspace:
        """The open workspace."""
        if self._workspace is None:
            from modelwright.app.connect import connect  # weight: the rooms' services

            self._workspace = connect(self.where, project=self.project, progress=transferring())
        return self._workspace

    def name(self, actor: str) -> str:
        """Whom an opaque id means; the id where nobody knows. Each is asked for once."""
        if len(actor) != _ID:
            return actor
        if actor not in self._names:
            try:
                found = self.workspace.users.names((actor,))
            except Error:  # who may not ask reads ids
                found = ()
            self._names[actor] = str(found[0]) if found else actor
        return self._names[actor]

    def close(self) -> None:
        """Let go of it."""
        if self._workspace is not None:
            self._workspace.close()


_asked: ContextVar[Context] = ContextVar("asked")
"""What the command that is being carried out asks."""


def workspace(context: typer.Context) -> Workspace:
    """The workspace of a command."""
    found = context.find_object(Context)
    assert found is not None  # the root command makes it
    _asked.set(found)
    return found.workspace


def who(actor: str) -> str:
    """Whom the record means, for people to read: by name, once a command has asked for its workspace."""
    return _asked.get().name(actor)

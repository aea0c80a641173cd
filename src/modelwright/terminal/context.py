"""The workspace that commands talk to, opened when the first one asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from modelwright.terminal.output import transferring

if TYPE_CHECKING:
    from modelwright.app.connect import Workspace


class Context:
    """Where to find the workspace, by ``--home`` or ``--url`` or as ``connect()`` looks for it, and the project."""

    def __init__(self, where: str | None, project: str | None = None) -> None:
        self.where = where
        self.project = project
        self._workspace: Workspace | None = None

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

    def close(self) -> None:
        """Let go of it."""
        if self._workspace is not None:
            self._workspace.close()


def workspace(context: typer.Context) -> Workspace:
    """The workspace of a command."""
    found = context.find_object(Context)
    assert found is not None  # the root command makes it
    return found.workspace

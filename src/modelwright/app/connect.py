"""``connect()``: the same face whether the home is opened in process or reached over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from modelwright.app.faces import face
from modelwright.app.project import workspace_of
from modelwright.app.services import operation_table
from modelwright.core.errors import Invalid, NotFound
from modelwright.core.operation import Caller, Face, Operation, Table, Transfer
from modelwright.core.settings import PROJECT, TOKEN, URL


class Workspace:
    """What scripts, notebooks, commands and pages hold: ``ws.models``, ``ws.runs``, … each a face of one noun.

    Args:
        table: The operations.
        caller: Who carries them out.
        where: The home's folder or the server's address, for people.
        token: What its caller comes with, for the endpoints' port.
    """

    def __init__(self, table: Table, caller: Caller, where: str, token: str | None = None) -> None:
        self._table = table
        self._caller = caller
        self.where = where
        self.token = token

    def __getattr__(self, noun: str) -> Face:
        if noun.startswith("_") or noun not in self.nouns:
            raise AttributeError(f"A workspace has no {noun!r}; it has: {', '.join(self.nouns)}")
        made = face(noun, self._table, self._caller)
        setattr(self, noun, made)
        return made

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.nouns]

    def __repr__(self) -> str:
        return f"Workspace({self.where!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def nouns(self) -> list[str]:
        """What it can talk about."""
        return self._table.nouns

    def operation(self, name: str) -> Operation | None:
        """What is declared of ``noun.verb``; none where there is no such operation."""
        noun, _, verb = name.partition(".")
        return self._table.noun(noun).get(verb) if noun in self.nouns else None

    def close(self) -> None:
        """Let go of files and connections."""
        close: Any = getattr(self._caller, "close", None)
        if close is not None:
            close()


def connect(
    url: str | Path | None = None,
    *,
    token: str | None = None,
    project: str | None = None,
    progress: Callable[[Transfer], None] | None = None,
) -> Workspace:
    """Open a workspace.

    Args:
        url: ``http://…`` for a running server, a home's folder, or nothing: then ``MODELWRIGHT_URL``, then what the
            nearest ``modelwright.toml`` says, then the nearest ``.modelwright/`` in this folder or above.
        token: Who calls, where there is login; by default ``MODELWRIGHT_TOKEN``. Whoever can open a home's files and
            gives none is its owner.
        project: The project to work in; by default ``MODELWRIGHT_PROJECT``, then the token's own, then ``default``.
        progress: Is told how far bytes have come that go to a server or come from it.

    Raises:
        NotFound: There is no home here, or no such project for the token's user.
        Denied: The token does not count.
        Unavailable: The server does not answer.
    """
    token, project = token or TOKEN.value, project or PROJECT.value
    where = url or URL.value or workspace_of(Path.cwd())
    if isinstance(where, str) and "://" in where:
        if not where.startswith(("http://", "https://")):
            raise Invalid(
                f"{where!r} is not an address of a server.", remedy="Write http://… or https://…, or a folder."
            )
        return _remote(where, token, project, progress)
    return _local(Path(where) if where else None, token, project)


def _local(folder: Path | None, token: str | None, project: str | None) -> Workspace:
    from modelwright.app.home import FOLDER, Home, meant, nearest
    from modelwright.app.workspace import (  # weight: SQLAlchemy, which a remote client does without
        LocalCaller,
        Platform,
    )

    found = meant(folder) if folder else nearest(Path.cwd())
    if found is None:
        raise NotFound(f"There is no {FOLDER}/ here or above {Path.cwd()}.", remedy="Make one: modelwright init")
    platform = Platform(Home(found).open(create=False))
    caller = LocalCaller(platform, platform.identity(token, project))
    return Workspace(platform.table, caller, str(platform.home.folder), token)


def _remote(url: str, token: str | None, project: str | None, progress: Callable[[Transfer], None] | None) -> Workspace:
    from modelwright.client.http import HttpCaller  # weight: httpx, which a local home does without

    return Workspace(operation_table(), HttpCaller(url, token=token, project=project, progress=progress), url, token)

"""What a page is: a path, the permission it takes, and a function from what was asked to what is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from modelwright.app.connect import Workspace
from modelwright.core.errors import Denied, NotFound, Unavailable


@dataclass(frozen=True)
class Ask:
    """One request for a page.

    Attributes:
        workspace: The caller's workspace: every read passes the caller's permissions.
        path: The path's parameters.
        query: The query's parameters; of one given twice, the last.
        now: The wall clock, for ages.
        may: Whether the caller holds a permission.
        csrf: What forms send along; empty where there is no login.
    """

    workspace: Workspace
    path: Mapping[str, str]
    query: Mapping[str, str]
    now: datetime
    may: Callable[[str], bool] = bool
    csrf: str = ""

    def offers(self, name: str) -> bool:
        """Whether this house has the operation ``noun.verb``, and the caller may."""
        found = self.workspace.operation(name)
        return found is not None and self.may(found.permission)

    def read(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """An operation's answer for a part of a page that may be missing.

        Returns:
            None where there is no such operation, nothing there, no permission, or no answer now.
        """
        if not self.offers(name):
            return None
        noun, _, verb = name.partition(".")
        try:
            return getattr(getattr(self.workspace, noun), verb)(*args, **kwargs)
        except (NotFound, Denied, Unavailable):
            return None

    def read_all(self, name: str, *args: Any, **kwargs: Any) -> list[Any]:
        """A listing, or its first page; empty where ``read`` answers nothing."""
        found = self.read(name, *args, **kwargs)
        return [] if found is None else list(getattr(found, "items", found))

    def word(self, name: str, default: str = "") -> str:
        """A query parameter without the blanks around it."""
        return self.query.get(name, default).strip()


@dataclass(frozen=True)
class File:
    """Bytes to save, never shown by the browser as a page of this site.

    Attributes:
        content: The bytes, or pieces of them that are made while they are sent.
        name: What to save them as; never a path.
    """

    content: bytes | Iterator[bytes]
    name: str


@dataclass(frozen=True)
class View:
    """What is shown.

    Attributes:
        template: The template's name, without ``.html``.
        title: The window's title.
        context: What the template is given.
        location: Where to go instead, as a path of this site.
        file: What to save instead.
    """

    template: str = ""
    title: str = ""
    context: Mapping[str, Any] = field(default_factory=dict)
    location: str = ""
    file: File | None = None


@dataclass(frozen=True)
class Page:
    """One page of the dashboard.

    Attributes:
        path: Its path, with ``{name}`` for parameters.
        permission: What the caller must hold, e.g. ``models:read``.
        load: Reads what the page shows.
    """

    path: str
    permission: str
    load: Callable[[Ask], View]

    def __post_init__(self) -> None:
        if ":" not in self.permission:
            raise ValueError(f"The page {self.path} declares no permission.")

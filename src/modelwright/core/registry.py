"""Shelves: the places where people add variants, one file each.

A shelf is a package with ``base.py`` and one module per variant; the module's name is the registered name, with
hyphens for underscores. Listing imports nothing; third parties add variants by the entry point group
``modelwright.<shelf>``, used only when their name is allow-listed, because a plugin runs unsandboxed.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Collection
from functools import cached_property
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Generic, TypeVar

from modelwright.core.errors import Invalid, NotFound

Variant = TypeVar("Variant")


class Shelf(Generic[Variant]):
    """The variants of one kind.

    Args:
        package: Where the built-in ones lie, e.g. ``modelwright.models.flavours``; each module offers its variant as
            ``variant``.
        what: What one is called, for messages.
        allowed: Names of third parties' variants that may be loaded.
    """

    def __init__(self, package: str, what: str, *, allowed: Collection[str] = ()) -> None:
        self._package = package
        self._what = what
        self._allowed = frozenset(allowed)

    @cached_property
    def _installed(self) -> dict[str, EntryPoint]:
        """Third parties' variants; looked up once, because it reads the metadata of every package (15 ms)."""
        return {point.name: point for point in entry_points(group=f"modelwright.{self._package.rpartition('.')[2]}")}

    @cached_property
    def _built_in(self) -> frozenset[str]:
        spec = find_spec(self._package)
        folders = list(spec.submodule_search_locations or []) if spec else []
        found = (module.name for module in pkgutil.iter_modules(folders))
        return frozenset(name.replace("_", "-") for name in found if name != "base")

    def names(self) -> list[str]:
        """Every name, built-in and installed, without importing a variant."""
        return sorted(self._built_in | self._installed.keys())

    def get(self, name: str) -> Variant:
        """The variant of that name, imported now.

        Raises:
            NotFound: There is none.
            Invalid: A third party offers it, and it is not allow-listed.
        """
        if name not in self.names():
            raise NotFound(f"There is no {self._what} {name[:80]!r}.", remedy=f"There are: {', '.join(self.names())}.")
        point = self._installed.get(name)
        if point is not None and name not in self._built_in:  # a third party cannot take a built-in one's place
            if name not in self._allowed:
                raise Invalid(
                    f"The {self._what} {name!r} comes from {point.value} and is not allow-listed.",
                    remedy="Add it to `plugins` in the settings if you trust its author: it runs unsandboxed.",
                )
            variant: Variant = point.load()
            return variant
        found: Variant = import_module(f"{self._package}.{name.replace('-', '_')}").variant
        return found

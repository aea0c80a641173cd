"""Shelves: the places where people add variants, one file each.

A shelf is a package with ``base.py`` and one module per variant; the module's name is the registered name, with
hyphens for underscores. Listing imports nothing; third parties add variants by the entry point group
``modelwright.<shelf>``, used only when ``MODELWRIGHT_PLUGINS`` names them, because a plugin runs unsandboxed.
"""

from __future__ import annotations

import pkgutil
from functools import cached_property
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Generic, TypeVar

from modelwright.core.errors import Invalid, NotFound
from modelwright.core.settings import PLUGINS

Variant = TypeVar("Variant")


class Shelf(Generic[Variant]):
    """The variants of one kind.

    Args:
        package: Where the built-in ones lie, e.g. ``modelwright.models.flavours``; each module offers its variant as
            ``variant``.
        what: What one is called, for messages; the shelf is called the same in the plural.
    """

    def __init__(self, package: str, what: str) -> None:
        self.package = package
        self.what = what
        self.group = f"modelwright.{what.replace(' ', '_')}s"

    @cached_property
    def _installed(self) -> dict[str, EntryPoint]:
        """Third parties' variants; looked up once, because it reads the metadata of every package (15 ms)."""
        return {point.name: point for point in entry_points(group=self.group)}

    @cached_property
    def built_in(self) -> frozenset[str]:
        """The names of the house's own variants."""
        spec = find_spec(self.package)
        folders = list(spec.submodule_search_locations or []) if spec else []
        found = (module.name for module in pkgutil.iter_modules(folders))
        return frozenset(name.replace("_", "-") for name in found if name != "base")

    def names(self) -> list[str]:
        """Every name that can be had, built-in, or installed and allow-listed, without importing a variant."""
        return sorted(self.built_in | (self._installed.keys() & _allowed()))

    def get(self, name: str) -> Variant:
        """The variant of that name, imported now.

        Raises:
            NotFound: There is none.
            Invalid: A third party offers it, and it is not allow-listed.
        """
        if name in self.built_in:  # a third party cannot take its place
            found: Variant = import_module(f"{self.package}.{name.replace('-', '_')}").variant
            return found
        point = self._installed.get(name)
        if point is None:
            raise NotFound(f"There is no {self.what} {name[:80]!r}.", remedy=f"There are: {', '.join(self.names())}.")
        if name not in _allowed():
            raise Invalid(
                f"The {self.what} {name!r} comes from {point.value} and is not allow-listed.",
                remedy=f"Set {PLUGINS.name}={name} if you trust its author: it runs unsandboxed.",
            )
        variant: Variant = point.load()
        return variant


def _allowed() -> frozenset[str]:
    return frozenset((PLUGINS.value or "").split(","))

"""How statements are made: words, values and where they come from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from modelwright.facts.model import Attested, Computed, Exact, Missing, Source, SourceKind, Value
from modelwright.governance.charter import CharterVersion
from modelwright.governance.model import Evidence
from modelwright.models.model import ModelVersion
from modelwright.stats.model import Interval


def computed(says: str, source: Source, *, also: Mapping[str, Source] | None = None, **values: Any) -> Computed:
    """A statement made from values.

    Args:
        says: The words, with ``{name}`` where a value stands.
        source: Where the values come from.
        also: Name -> where that value comes from, if from somewhere else.
        values: Name -> value.
    """
    return Computed(says=says, **_filled(source, also or {}, values))


def attested(says: str, source: Source, *, by: str, at: datetime, **values: Any) -> Attested:
    """A statement in somebody's own words, which are among the values.

    Args:
        says: What introduces them.
        source: What stands under a digest.
        by: Who.
        at: When.
        values: Name -> value.
    """
    return Attested(says=says, by=by, at=at, **_filled(source, {}, values))


def missing(says: str, remedy: str, source: Source, **values: Any) -> Missing:
    """A statement that nothing can be said.

    Args:
        says: What is missing.
        remedy: What to do.
        source: Where the values come from.
        values: Name -> value, of the words and of the remedy.
    """
    return Missing(says=says, remedy=remedy, **_filled(source, {}, values))


def _filled(source: Source, also: Mapping[str, Source], values: Mapping[str, Any]) -> dict[str, Any]:
    sources = list(dict.fromkeys([source, *also.values()]))
    made = {name: value_of(value, sources.index(also.get(name, source))) for name, value in values.items()}
    return {"values": made, "sources": tuple(sources)}


def value_of(value: Any, source: int = 0) -> Value:
    """A value as people read it.

    Example:
        >>> value_of(336776).shown, value_of(0.74123).shown, value_of(["x", "y"]).shown
        ('336,776', '0.7412', 'x, y')
    """
    exact: Exact | None = None
    if isinstance(value, Interval):
        exact = (value.estimate, value.low, value.high)
    elif isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        exact = value
    return Value(shown=shown(value), source=source, exact=exact)


def shown(value: Any) -> str:
    """A value as text: numbers with four digits that count, times to the minute."""
    match value:
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:.4g}"
        case datetime():
            return f"{value.astimezone(UTC):%Y-%m-%d %H:%MZ}"
        case list() | tuple():
            return ", ".join(map(shown, value))
        case _:
            return str(value)


def share(part: int, whole: int) -> str:
    """A part of a whole in percent.

    Example:
        >>> share(1, 8)
        '12.5 %'
    """
    return f"{100 * part / whole:.3g} %" if whole else "0 %"


def package(version: ModelVersion) -> Source:
    """A version's package."""
    return Source(kind=SourceKind.PACKAGE, name=version.ref, digest=version.package)


def evidence(found: Evidence) -> Source:
    """A piece of evidence."""
    return Source(kind=SourceKind.EVIDENCE, name=f"{found.kind} of {found.model}@{found.version}", digest=found.digest)


def charter(found: CharterVersion) -> Source:
    """A charter."""
    return Source(kind=SourceKind.CHARTER, name=f"{found.model} {found.version}", digest=found.digest)

"""The words in which features are declared; ``from modelwright import features as f``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from modelwright.core.clock import duration, shortly
from modelwright.core.errors import Invalid
from modelwright.core.schema import DType
from modelwright.features.functions import captured
from modelwright.features.model import (
    Aggregation,
    Computed,
    Feature,
    Given,
    Label,
    Latest,
    OnDemand,
    Source,
    View,
    Window,
)

Columns = str | Sequence[str]

_DTYPES: dict[type, DType] = {
    bool: DType.BOOL,
    int: DType.INT64,
    float: DType.FLOAT64,
    str: DType.STRING,
    datetime: DType.TIMESTAMP,
}


class Facts:
    """A source, and the features that can be made of it; ``f.source`` makes it.

    Args:
        source: What it is.
    """

    def __init__(self, source: Source) -> None:
        self.source = source

    def __repr__(self) -> str:
        return f"<source {self.source.dataset} of {', '.join(self.source.entity)}>"

    def latest(
        self,
        column: str,
        *,
        max_age: str | timedelta | None = None,
        valid: str | None = None,
        name: str | None = None,
    ) -> Latest:
        """The column of the fact with the latest event time among those known at the question.

        Args:
            column: The column.
            max_age: Older facts, by event time, do not count: ``6h``.
            valid: A condition over the fact's columns without which the value is missing: ``wind_speed < 150``.
            name: What to call it; by default the column's name.
        """
        aged = None if max_age is None else _span(max_age, "max_age")
        return Latest(name=name or column, source=self.source, column=column, max_age=aged, valid=valid)

    def count(
        self,
        column: str | None = None,
        *,
        over: str | timedelta,
        by: Columns | None = None,
        valid: str | None = None,
        name: str | None = None,
    ) -> Window:
        """How many facts, or values of a column, there were over a span before the question.

        Args:
            column: The column; by default facts are counted.
            over: The span: ``7d``.
            by: The columns it is asked by; by default the source's entity.
            valid: A condition over the fact's columns without which the value is missing.
            name: What to call it; by default e.g. ``arr_delay_mean_7d``.
        """
        return self._window(Aggregation.COUNT, column, over=over, by=by, valid=valid, name=name)

    def sum(self, column: str, *, over: str | timedelta, **more: Any) -> Window:
        """The sum of a column; as ``count``."""
        return self._window(Aggregation.SUM, column, over=over, **more)

    def mean(self, column: str, *, over: str | timedelta, **more: Any) -> Window:
        """The mean of a column; as ``count``."""
        return self._window(Aggregation.MEAN, column, over=over, **more)

    def min(self, column: str, *, over: str | timedelta, **more: Any) -> Window:
        """The smallest value of a column; as ``count``."""
        return self._window(Aggregation.MIN, column, over=over, **more)

    def max(self, column: str, *, over: str | timedelta, **more: Any) -> Window:
        """The largest value of a column; as ``count``."""
        return self._window(Aggregation.MAX, column, over=over, **more)

    def std(self, column: str, *, over: str | timedelta, **more: Any) -> Window:
        """The sample standard deviation of a column, missing of fewer than two values; as ``count``."""
        return self._window(Aggregation.STD, column, over=over, **more)

    def _window(
        self,
        function: Aggregation,
        column: str | None,
        *,
        over: str | timedelta,
        by: Columns | None = None,
        valid: str | None = None,
        name: str | None = None,
    ) -> Window:
        span = _span(over, "over")
        called = (
            name or f"{column or self.source.dataset.replace('-', '_').replace('.', '_')}_{function}_{shortly(span)}"
        )
        keys = self.source.entity if by is None else _names(by)
        return Window(
            name=called, source=self.source, function=function, column=column, by=keys, over=span, valid=valid
        )


def source(dataset: str, *, entity: Columns, event_time: str, known_at: str | None = None) -> Facts:
    """A dataset of facts.

    Args:
        dataset: Its name in the data room.
        entity: The columns that say what a fact is about. Rows of one entity and one event time are versions of one
            fact: the one known later replaces the earlier from then on.
        event_time: The column that says when it happened.
        known_at: The column that says when it became known; by default when it happened.

    Example:
        >>> weather = source("weather", entity="origin", event_time="observed_at")
        >>> weather.latest("temp", max_age="6h").name
        'temp'
    """
    return Facts(Source(dataset=dataset, entity=_names(entity), event_time=event_time, known_at=known_at))


def context(**columns: type) -> list[Given]:
    """Columns of the question itself, with their types: ``f.context(carrier=str, hour=int)``."""
    for name, kind in columns.items():
        if kind not in _DTYPES:
            raise Invalid(
                f"The context column {name} is of {kind!r:.80}.",
                remedy=f"It can be {', '.join(each.__name__ for each in _DTYPES)}.",
            )
    return [Given(name=name, dtype=_DTYPES[kind]) for name, kind in columns.items()]


def row(name: str, expression: str) -> Computed:
    """A feature from an expression over the question's columns and the features before it: ``distance / 60``."""
    return Computed(name=name, expression=expression)


def on_demand(function: Callable[..., Any]) -> OnDemand:
    """A feature from a Python function of features before it; its text is kept with the view and the model.

    Its parameters name features or columns of the question, with annotations ``bool int float str datetime``, or one of
    them ``| None`` where it may be missing. It may use ``math``, ``datetime``, ``timedelta`` and plain builtins; no
    imports, globals, closures or defaults.
    """
    return captured(function)


def label(
    facts: Facts, expression: str, *, matures_after: str | timedelta = timedelta(0), name: str = "label"
) -> Label:
    """What a question turned out to be.

    Args:
        facts: The source of outcomes, found by its entity.
        expression: Over the outcome's columns: ``arr_delay > 15``. True is 1, false 0.
        matures_after: How long after its event time every outcome has had the time to become known.
        name: What the column is called.
    """
    return Label(
        name=name, source=facts.source, expression=expression, matures_after=_span(matures_after, "matures_after")
    )


def view(
    name: str,
    features: Iterable[Feature | Iterable[Feature]],
    *,
    label: Label | None = None,
    ask_at: str | None = None,
) -> View:
    """Features that are asked for together.

    Args:
        name: The view's name.
        features: In the order of the vector; lists of them are taken apart.
        label: What the question turns out to be.
        ask_at: When it is asked, from the question's columns: ``sched_dep - 1h``.
    """
    flat: list[Feature] = []
    for each in features:
        flat += [each] if isinstance(each, Feature) else list(each)
    return View(name=name, features=tuple(flat), label=label, ask_at=ask_at)


def _names(columns: Columns) -> tuple[str, ...]:
    return (columns,) if isinstance(columns, str) else tuple(columns)


def _span(span: str | timedelta, field: str) -> timedelta:
    found = duration(span) if isinstance(span, str) else span
    if found < timedelta(0) or (field == "over" and not found):
        raise Invalid(f"{field} is {found}, not a span of time.", fields={field: "is not positive"})
    return found

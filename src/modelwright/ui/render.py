"""Templates to HTML. Escaping is always on; what comes from people is text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from modelwright.access.model import Named
from modelwright.charts import words
from modelwright.core.clock import utc_now
from modelwright.ui.assets import address
from modelwright.ui.page import Ask, View

_ID = 32
"""The length of an opaque id."""


class Section(NamedTuple):
    """A line of the rail.

    Attributes:
        name: What it says.
        path: Where it leads.
        key: The letter that leads there after ``g``.
        needs: The operation it cannot do without; empty when none.
    """

    name: str
    path: str
    key: str
    needs: str = ""


RAIL = (
    Section("Overview", "/", "o"),
    Section("Data", "/data", "d", "data.list"),
    Section("Features", "/features", "f", "features.list"),
    Section("Pipelines", "/pipelines", "p", "pipelines.list"),
    Section("Runs", "/runs", "r", "runs.list"),
    Section("Models", "/models", "m", "models.list"),
    Section("Endpoints", "/endpoints", "e", "endpoints.list"),
    Section("Monitors", "/monitors", "w", "monitors.list"),
    Section("Alerts", "/alerts", "a", "alerts.list"),
    Section("Approvals", "/approvals", "s", "approvals.list"),
    Section("Lineage", "/lineage", "l", "lineage.up"),
    Section("Ledger", "/ledger", "b", "ledger.list"),
    Section("Notifications", "/notifications", "n", "notifications.list"),
    Section("People", "/people", "u", "users.list"),
)


@pass_context
def _ago(context: Context, then: Any) -> Markup:
    return words.moment(then, context["now"])


@pass_context
def _age(context: Context, then: Any) -> str:
    return words.age(context["now"], then)


@pass_context
def _who(context: Context, actor: str) -> Markup:
    """Whom the record means: by name where they may sign in, by a short id where they are not known any more."""
    known: Named | None = context["known_as"](actor)
    if known is not None:
        return Markup.escape(str(known))
    if len(actor) != _ID:
        return Markup.escape(actor)
    return Markup('<span class="mono" title="{}">{}</span>').format(actor, actor[-8:])


def _naming(ask: Ask | None) -> Callable[[str], Named | None]:
    """Asks once for each id of a page."""

    @cache
    def named(actor: str) -> Named | None:
        found = ask.read("users.names", (actor,)) if ask is not None and len(actor) == _ID else None
        return found[0] if found else None

    return named


@pass_context
def _with(context: Context, **changed: object) -> str:
    kept = {**context["query"], **{name: str(value) for name, value in changed.items() if value is not None}}
    for name in [name for name, value in changed.items() if value is None]:
        kept.pop(name, None)
    return f"{context['here']}?{urlencode(kept)}" if kept else str(context["here"])


def version_path(room: str, ref: str) -> str:
    """``name@3`` as the path of its page."""
    name, _, version = ref.partition("@")
    return f"/{room}/{quote(name, safe='')}" + (f"/{quote(version, safe='')}" if version else "")


@cache
def environment() -> Environment:
    """The templates with everything they may use."""
    made = Environment(
        loader=PackageLoader("modelwright.ui"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        number=words.number,
        interval=words.interval,
        ago=_ago,
        age=_age,
        exact=words.exact,
        later=words.later,
        day=words.day,
        duration=words.duration,
        size=words.size,
        digest=words.digest,
        is_digest=words.is_digest,
        verdict=words.verdict,
        listed=words.listed,
        cell=words.cell,
        clipped=words.clipped,
        who=_who,
        path=lambda text: quote(str(text), safe=""),
    )
    made.globals.update(asset=address, plural=words.plural, version_path=version_path, with_query=_with)
    return made


def rendered(view: View, ask: Ask | None, here: str) -> str:
    """The page as HTML.

    Args:
        view: What to show.
        ask: Who asked; none for a page that is shown to anybody.
        here: The page's path.
    """
    context: Mapping[str, Any] = {
        **view.context,
        "title": view.title,
        "now": ask.now if ask else utc_now(),
        "query": dict(ask.query) if ask else {},
        "here": here,
        "rail": [section for section in RAIL if ask and (not section.needs or ask.offers(section.needs))],
        "known_as": _naming(ask),
        "me": ask.read("users.me") if ask else None,
        "may": ask.offers if ask else _nothing,
        "csrf": ask.csrf if ask else "",
    }
    return environment().get_template(f"{view.template}.html").render(context)


def _nothing(_: str) -> bool:
    return False

"""Policies as people write them: a tier that comes with the release, and what differs from it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import msgspec

from modelwright.core import wire, written
from modelwright.core.errors import Error, Invalid
from modelwright.core.expressions import names, parse
from modelwright.core.registry import Shelf
from modelwright.core.written import Plain
from modelwright.governance.checks.own import OwnGate, own
from modelwright.governance.gates.base import Gate
from modelwright.governance.model import Policy, PolicyVersion, Rule, Scalar

GATES: Shelf[Gate] = Shelf("modelwright.governance.gates", "gate")

KPI_NAMES = frozenset({"threshold", "at_least", "at_most", "slice_floor"})
"""What conditions may read as ``kpi.<name>``."""

_REPLACED = ("signoffs", "phases", "after", "emergency")
"""What a policy says as a whole, or takes over as a whole; ``after: null`` takes it away."""

_MOST_GATES = 100


@cache
def _tiers() -> tuple[str, ...]:
    return tuple(
        sorted(
            entry.name.removesuffix(".yaml")
            for entry in files("modelwright.governance").joinpath("tiers").iterdir()
            if entry.name.endswith(".yaml")
        )
    )


def built_in_tiers() -> list[str]:
    """The tiers that come with the release."""
    return list(_tiers())


def built_in(tier: str, gates: Shelf[Gate]) -> PolicyVersion | None:
    """The policy of a tier that comes with the release, as its version 0."""
    if tier not in built_in_tiers():
        return None
    return _released(tier, gates)


@cache  # the guard asks often, and a release's tiers do not change
def _released(tier: str, gates: Shelf[Gate]) -> PolicyVersion:
    text = files("modelwright.governance").joinpath("tiers", f"{tier}.yaml").read_text("utf-8")
    found = written.read(text, what="policy")
    policy = wire.convert({**found, "tier": tier, "gates": _rules(found, {}, gates)}, Policy)
    return PolicyVersion(version=0, digest=wire.digest(policy), policy=policy, text=text)


def resolved(text: str, gates: Shelf[Gate]) -> Policy:
    """A policy file with everything written out.

    Args:
        text: ``extends: minimal``, optionally ``tier``, ``gates`` that differ or are added, ``signoffs``, ``phases``,
            ``after`` and ``emergency`` in place of the tier's.
        gates: The shelf.

    Raises:
        Invalid: Not YAML, a field or gate that does not exist, or a condition that breaks or reads names its gate does
            not expose.
    """
    found = written.read(text, what="policy")
    unknown = sorted(set(found) - {"extends", "tier", "gates", *_REPLACED})
    if unknown:
        raise _invalid(
            unknown[0], "is not a field of a policy", f"A policy has extends, tier, gates, {', '.join(_REPLACED)}."
        )
    base = found.get("extends")
    start = built_in(base, gates) if isinstance(base, str) else None
    if start is None:
        raise _invalid("extends", f"is {base!r}, which is no tier", f"There are: {', '.join(built_in_tiers())}.")
    tier = found.get("tier", base)
    rules = _rules(found, start.policy.gates, gates)
    inherited = msgspec.to_builtins(start.policy)
    replaced = {name: found.get(name, inherited.get(name)) for name in _REPLACED if name in {*found, *inherited}}
    return wire.convert({"tier": tier, "gates": dict(sorted(rules.items())), **replaced}, Policy)


def _rules(found: Mapping[str, Plain], base: Mapping[str, Rule], gates: Shelf[Gate]) -> dict[str, Rule]:
    wanted = found.get("gates", {})
    if not isinstance(wanted, dict) or len(wanted) > _MOST_GATES:
        raise _invalid("gates", "is not a mapping of gates", "Write `gates: {kpi: {pass: …}}`.")
    return {**base, **{name: _rule(name, fields, base.get(name), gates) for name, fields in wanted.items()}}


def _rule(name: str, fields: Plain, base: Rule | None, gates: Shelf[Gate]) -> Rule:
    gate = gate_of(name, gates)
    if gate is None:
        there = f"There are: {', '.join(gates.names())}, and check.NAME for a check of your own."
        raise _invalid(f"gates.{name}", "is not a gate", there)
    if not isinstance(fields, dict):
        raise _invalid(f"gates.{name}", "is not a mapping", "Write `{pass: …, evidence_max_age: 14d}`, or `{}`.")
    passes = fields.get("pass", base.passes if base else gate.passes)
    if not passes:
        raise _invalid(f"gates.{name}", "has no condition", 'Write `{pass: "e.share < 0.01"}`: names that it finds.')
    given = {key: value for key, value in fields.items() if key not in ("pass", "evidence_max_age", "at")}
    rule = {
        "pass": passes,
        "evidence_max_age": fields.get("evidence_max_age", base.evidence_max_age if base else None),
        "at": fields.get("at", list(base.at) if base else []),
        "parameters": {**gate.parameters, **(base.parameters if base else {}), **_parameters(name, given, gate)},
    }
    try:
        made = wire.convert(rule, Rule)
        check_condition(made.passes, gate)
    except Error as error:
        fields_at = {f"gates.{name}.{place}": problem for place, problem in error.fields.items()}
        raise Invalid(f"gates.{name}: {error.message}", remedy=error.remedy, fields=fields_at) from None
    return made


def _parameters(name: str, given: Mapping[str, Plain], gate: Gate) -> dict[str, Scalar]:
    found: dict[str, Scalar] = {}
    for key, value in given.items():
        default = gate.parameters.get(key)
        known = ", ".join(["pass", "evidence_max_age", "at", *gate.parameters])
        if default is None:
            raise _invalid(f"gates.{name}.{key}", "is not a parameter of this gate", f"It has: {known}.")
        number = isinstance(default, float) and isinstance(value, int | float) and not isinstance(value, bool)
        if number and isinstance(value, int | float):
            found[key] = float(value)
        elif isinstance(value, bool | str) and type(value) is type(default):
            found[key] = value
        else:
            raise _invalid(f"gates.{name}.{key}", f"is {value!r}, where the default is {default!r}", "Mind the type.")
    return found


def gate_of(name: str, gates: Shelf[Gate]) -> Gate | None:
    """The gate of that name: of the shelf, or ``check.<name>`` of a check of one's own."""
    return gates.get(name) if name in gates.names() else own(name)


def check_condition(text: str, gate: Gate) -> None:
    """Pass silently when a condition reads nothing but what its gate exposes.

    Raises:
        Invalid: It breaks, or reads another name, which would be UNKNOWN for ever.
    """
    known = {
        *(f"e.{name}" for name in gate.exposes),
        *(f"kpi.{name}" for name in KPI_NAMES),
        *(f"p.{name}" for name in gate.parameters),
    }
    for name in names(parse(text)):
        own = isinstance(gate, OwnGate) and name.path[0] == "e" and len(name.path) == 2
        if str(name) not in known and not own:
            raise Invalid(
                f"The condition reads {name} at position {name.position + 1}, which does not exist.",
                remedy=f"It may read: {', '.join(sorted(known))}.",
                fields={"pass": f"position {name.position + 1}: there is no {name}"},
            )


def _invalid(field: str, problem: str, remedy: str) -> Invalid:
    return Invalid(f"The policy's {field} {problem}.", remedy=remedy, fields={field: problem})

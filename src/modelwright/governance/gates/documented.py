"""Nothing is missing in its documents that can be said before it is relied on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from modelwright.governance.checks.model import Documented, Written
from modelwright.governance.gates.base import Case, Seen, document_command
from modelwright.governance.model import Kind, Scalar

_COUNTS = ("computed", "attested", "missing", "later")
_COMMANDS = {"model_card": "card", "technical_file": "technical", "change_report": "changes"}
"""Which command shows each document."""
_SHOWN = 5


class DocumentedGate:
    """No statement is missing in the documents that ``p.documents`` names, separated by commas; fulfils ``Gate``.

    ``e.missing`` counts what can be said before anybody relies on the version: values that can be computed, questions
    that people can answer. ``e.later`` counts what only its release or use can give, such as where it is deployed, who
    signed and what monitors found, which no gate before that can ask for. Documents that were counted before the
    charter or the risk register in force was published are not those of now: UNKNOWN.
    """

    reads = (Kind.DOCUMENTS,)
    exposes = frozenset(_COUNTS)
    passes = "e.missing == 0"
    parameters: Mapping[str, Scalar] = {"documents": "technical_file, model_card"}

    def exempt(self, case: Case) -> str:
        """Always applies."""
        return ""

    def look(self, case: Case) -> Seen:
        """What they have and lack; nothing where one was not counted, or they changed since."""
        found, named = case.values(Documented), _named(case)
        chosen = [each for each in found.documents if each.document in named]
        if (problem := _problem(case, named, found, chosen)) is not None:
            return Seen(values={}, reason=problem[0], remedy=problem[1])
        counts = {name: sum(getattr(each, name) for each in chosen) for name in _COUNTS}
        missing = counts["missing"]
        return Seen(
            values=counts,
            reason=f"Of {sum(counts.values()):,} statements in {' and '.join(named)} {missing:,} "
            f"{'is' if missing == 1 else 'are'} missing, beside {counts['later']:,} that only release or use can give.",
            remedy=" ".join([*_lacks(case.ref, chosen), f"Then run: {document_command(case.ref)}"]),
        )


def _named(case: Case) -> list[str]:
    return list(dict.fromkeys(filter(None, map(str.strip, str(case.parameters["documents"]).split(",")))))


def _problem(case: Case, named: Sequence[str], found: Documented, chosen: Sequence[Written]) -> tuple[str, str] | None:
    """Why they cannot be judged, and what to do."""
    if not named or len(chosen) < len(named):
        known = [each.document for each in found.documents]
        others = ", ".join(name for name in named if name not in known) or "none"
        return (
            f"The policy names {others}; the {len(known)} documents that are counted are {', '.join(known)}.",
            "Name some of them as `documents` of the gate, and run: modelwright policy publish policy.yaml",
        )
    made, since = case.evidence[Kind.DOCUMENTS].made_at, _published(case)
    if made < since:
        what = (
            f"The documents were counted at {made:%Y-%m-%d %H:%MZ}, and the charter or the risk register in force was "
        )
        return f"{what}published at {since:%Y-%m-%d %H:%MZ}.", f"Run: {document_command(case.ref)}"
    return None


def _published(case: Case) -> datetime:
    """When the newer of charter and register came into force."""
    published = case.charter.published_at
    return published if case.register is None else max(published, case.register.register.published_at)


def _lacks(ref: str, chosen: Sequence[Written]) -> Iterator[str]:
    """What each lacks, and which command says what to do about each."""
    for each in chosen:
        if each.lacking:
            more = len(each.lacking) - _SHOWN
            items = ", ".join(each.lacking[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
            yield f"{each.document} lacks {items}: modelwright doc {_COMMANDS[each.document]} {ref} says what to do."


variant = DocumentedGate()

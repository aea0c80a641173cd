"""Looking for something."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from modelwright.core.errors import Corrupted, Invalid, NotFound
from modelwright.core.operation import Service, limited, operation
from modelwright.core.unit import Unit
from modelwright.search.model import LONGEST, MATCHES, NEEDS, Hit, Kind, Match, beginning, fit, plain

if TYPE_CHECKING:  # weight: SQLAlchemy, which a remote client does without
    from modelwright.access.repository import UserRepository
    from modelwright.ledger.service import LedgerService
    from modelwright.predictions.service import PredictionService
    from modelwright.search.repository import SearchRepository

_AN_ID = 32


class SearchService(Service):
    """Find anything by its name, its words, its id or its digest.

    Args:
        repository: What events let be found.
        users: Whose names stay out of events.
        ledger: Entries, by their number.
        predictions: Predictions, by their id.
    """

    noun = "search"

    def __init__(
        self,
        repository: SearchRepository,
        *,
        users: UserRepository,
        ledger: LedgerService,
        predictions: PredictionService,
    ) -> None:
        self._repository = repository
        self._users = users
        self._ledger = ledger
        self._predictions = predictions

    @operation(permission="search:read", kind="query")
    def find(self, unit: Unit, text: str, limit: int = 20) -> list[Hit]:
        """What the words could mean, in the caller's project and of the kinds that they may read.

        What is called exactly so, or has this id or digest, comes first; then what begins so, what has a word that
        begins so, and what has it somewhere; of equals the newest.

        Args:
            unit: The unit of work.
            text: Words, the beginning of an id or of a digest (4 digits and more), ``name@3``, or an entry's number.
            limit: At most so many, 1 to 100.

        Raises:
            Invalid: The text has more than 200 characters.
        """
        if len(text) > LONGEST:
            raise Invalid(f"The text has {len(text)} characters, not at most {LONGEST}.", fields={"text": "too long"})
        limited(limit, most=100)
        asked, digits = plain(text), beginning(text)
        kinds = [kind.value for kind in Kind if unit.caller.may(NEEDS[kind])]
        if not asked or not kinds:
            return []
        found = self._repository.by_words(unit.rows, unit.project, asked, kinds, limit)
        if digits:
            found += self._repository.by_id(unit.rows, unit.project, digits, kinds, limit)
        found += [*self._people(unit, asked), *self._entry(unit, asked)]
        if len(digits) == _AN_ID and not any(hit.match is Match.EXACT for hit in found):
            found += self._prediction(unit, digits)
        return _best(found, limit)

    def _people(self, unit: Unit, asked: str) -> Iterator[Hit]:
        if not unit.caller.may(NEEDS[Kind.USER]):
            return
        for name, display, at in self._users.called(unit.rows):
            fits = [match for match in (fit(asked, plain(each)) for each in (name, display)) if match]
            if fits:
                match = min(fits, key=MATCHES.index)
                yield Hit(kind=Kind.USER, key=name, name=name, says=display, of="", at=at, match=match)

    def _entry(self, unit: Unit, asked: str) -> Iterator[Hit]:
        number = asked.removeprefix("entry ")
        if not (unit.caller.may(NEEDS[Kind.ENTRY]) and number.isascii() and number.isdigit() and len(number) < 16):
            return
        for entry in self._ledger.list(unit, limit=1, after=str(int(number) + 1)).items:
            said = entry.envelope
            if said.seq == int(number):
                yield Hit(
                    kind=Kind.ENTRY,
                    key=str(said.seq),
                    name=f"entry {said.seq}",
                    says=said.kind,
                    of="",
                    at=said.recorded_at,
                    match=Match.EXACT,
                )

    def _prediction(self, unit: Unit, asked: str) -> Iterator[Hit]:
        if not unit.caller.may(NEEDS[Kind.PREDICTION]):
            return
        try:
            found = self._predictions.get(unit, asked)
        except (NotFound, Corrupted):  # a damaged log is said where it is read
            return
        yield Hit(
            kind=Kind.PREDICTION,
            key=found.id,
            name=found.id,
            says=f"answered by {found.endpoint}",
            of=f"{found.model}@{found.version}",
            at=found.received_at,
            match=Match.EXACT,
        )


def _best(found: Iterable[Hit], limit: int) -> list[Hit]:
    """The best of all, each once; of those that fit alike the newest first."""
    ranked = sorted(found, key=lambda hit: (hit.kind, hit.key))
    ranked.sort(key=lambda hit: hit.at, reverse=True)
    ranked.sort(key=lambda hit: MATCHES.index(hit.match))
    once = {(hit.kind, hit.key): hit for hit in reversed(ranked)}
    return [hit for hit in ranked if once[hit.kind, hit.key] is hit][:limit]

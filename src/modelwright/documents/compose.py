"""Make a document: a pack's questions, answered from the record and from what people attested."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from modelwright.core.errors import Invalid
from modelwright.documents.model import Attestation, Document, Item, Section
from modelwright.documents.packing import Pack, Question
from modelwright.facts.model import Source, SourceKind, Statement, first_figure
from modelwright.facts.record import Record
from modelwright.facts.saying import attested, missing, package
from modelwright.facts.table import FACTS, Fact

LONGEST = 4000
"""Characters of an attestation."""
_MOST_NAMES = 20
_LONGEST_NAME = 200
_NO_NAME = "%=<>≤≥~"


def composed(pack: Pack, record: Record, answers: Sequence[Attestation], facts: Mapping[str, Fact] = FACTS) -> Document:
    """A document of a version.

    Args:
        pack: What it asks.
        record: What is on record.
        answers: What people said of the version, oldest first.
        facts: Name -> fact.
    """
    return Document(
        kind=pack.kind,
        title=pack.title,
        subject=record.version.ref,
        package=record.version.package,
        against=record.against.ref if record.against and asks_for_another(pack) else None,
        template=pack.template,
        as_of=max([record.as_of, *(answer.at for answer in answers)]),
        sections=tuple(
            Section(
                clause=part.clause,
                title=part.title,
                items=tuple(
                    Item(
                        id=question.id,
                        clause=question.clause,
                        title=question.title,
                        statements=tuple(_answered(pack, question, record, answers, facts)),
                    )
                    for question in part.items
                ),
            )
            for part in pack.sections
        ),
    )


def asks_for_another(pack: Pack) -> bool:
    """Whether a pack compares the version with another."""
    names = [name for question in pack.questions.values() for name in question.facts]
    return any(name == "predecessor" or name.startswith("change-") for name in names)


def _answered(
    pack: Pack, question: Question, record: Record, answers: Sequence[Attestation], facts: Mapping[str, Fact]
) -> Iterator[Statement]:
    """Each statement once: two facts may miss the same."""
    said: list[Statement] = []
    for name in question.facts:
        said += facts[name](record)
    if question.attest:
        said.append(_attested(pack, question, record, answers))
    yield from {statement.text: statement for statement in said}.values()


def _attested(pack: Pack, question: Question, record: Record, answers: Sequence[Attestation]) -> Statement:
    answer = answer_to(pack, question, answers)
    if answer is None:
        given = any((one.kind, one.item) == (pack.kind, question.id) for one in answers)
        asked_otherwise = " since the question changed" if given else ""
        return missing(
            f"Nobody has answered{asked_otherwise}: {{question}}",
            "Answer it: modelwright doc attest {ref} {item} TEXT --kind {kind}",
            package(record.version),
            question=question.attest,
            ref=record.version.ref,
            item=question.id,
            kind=pack.kind,
        )
    return of_attestation(answer)


def answer_to(pack: Pack, question: Question, answers: Sequence[Attestation]) -> Attestation | None:
    """The newest answer to a question as it is put now; none where nobody has given one.

    Args:
        pack: The document that asks.
        question: The question.
        answers: What people said of the version, oldest first.
    """
    wanted = (pack.kind, question.id, question.asked)
    return next((one for one in reversed(answers) if (one.kind, one.item, one.asked) == wanted), None)


def of_attestation(answer: Attestation) -> Statement:
    """An attestation as a statement."""
    source = Source(kind=SourceKind.ATTESTATION, name=answer.item, digest=answer.digest)
    if not answer.names:
        return attested("{words}", source, by=answer.by, at=answer.at, words=answer.text)
    return attested(
        "{words} ({names})", source, by=answer.by, at=answer.at, words=answer.text, names="; ".join(answer.names)
    )


def check_answer(pack: Pack, item: str, text: str, names: tuple[str, ...]) -> Question:
    """The question that an answer is for, if the answer may stand in a document.

    Raises:
        Invalid: There is no such question, nobody is asked, or the answer holds a figure.
    """
    question = pack.questions.get(item)
    if question is None or not question.attest:
        asked = [one.id for one in pack.questions.values() if one.attest]
        raise Invalid(
            f"The {pack.title.lower()} asks nobody for {item!r}.",
            remedy=f"It asks people for: {', '.join(asked) or 'nothing'}."
            + (" The rest is computed from the record." if question else ""),
            fields={"item": "is not asked of people"},
        )
    if not text.strip() or len(text) > LONGEST:
        raise Invalid(f"The answer has {len(text)} characters, not 1 to {LONGEST:,}.", fields={"text": "has no words"})
    figure = first_figure(text)
    if figure:
        at = text.index(figure)
        said = text[max(0, at - 20) : at + 20].strip()
        raise Invalid(
            f"The answer holds the figure {figure!r} (\u2026{said}\u2026), and figures come from the record alone.",
            remedy="Leave it out: what can be counted or measured is computed beside your words, with its source. "
            + (
                "A standard, a certificate or an address goes into names (--name)."
                if question.names
                else "See what is computed: modelwright doc technical MODEL@VERSION"
            ),
            fields={"text": f"holds {figure!r}"},
        )
    _check_names(question, names)
    return question


def _check_names(question: Question, names: tuple[str, ...]) -> None:
    if names and not question.names:
        raise Invalid(
            f"{question.id} is not asked for names.", remedy="Put it into words.", fields={"names": "are not asked for"}
        )
    if len(names) > _MOST_NAMES:
        raise Invalid(f"There are {len(names)} names, not at most {_MOST_NAMES}.", fields={"names": "are too many"})
    for name in names:
        measured = next((sign for sign in _NO_NAME if sign in name), "")
        if measured or not name[:1].isalpha() or len(name) > _LONGEST_NAME:
            raise Invalid(
                f"{name[:60]!r} is not a name of a standard, a certificate or an address.",
                remedy=f"A name begins with a letter, has at most {_LONGEST_NAME} characters and none of {_NO_NAME}.",
                fields={"names": "holds no name"},
            )

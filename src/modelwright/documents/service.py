"""The use cases of documents: make, read, keep, attest, declare."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from modelwright.core import wire
from modelwright.core.errors import Invalid, Refused
from modelwright.core.ids import Digest, Ref, new_id
from modelwright.core.operation import Download, Page, Service, limited, operation, paged, position
from modelwright.core.unit import Snapshot, Unit
from modelwright.documents.model import (
    Asked,
    Attestation,
    ConformityDeclared,
    Declaration,
    Document,
    DocumentKept,
    FactAttested,
    Format,
    ItemId,
    Kept,
    Kind,
    Standing,
    Status,
    not_kept,
)
from modelwright.governance.checks.model import Documented
from modelwright.governance.model import Evidence
from modelwright.models.model import ModelVersion

if TYPE_CHECKING:  # weight: SQLAlchemy and yaml, which a remote client does without
    from modelwright.access.service import UserService
    from modelwright.documents.packing import Pack
    from modelwright.documents.repository import DocumentRepository
    from modelwright.facts.gather import Rooms
    from modelwright.facts.record import Record
    from modelwright.store.ports import Records

_KINDS = (Kind.MODEL_CARD, Kind.TECHNICAL_FILE, Kind.CHANGE_REPORT)
"""What is kept when production comes to rely on a version; a declaration is made by a person."""


class DocumentService(Service):
    """Documents of model versions, made from the record."""

    noun = "documents"

    def __init__(
        self,
        repository: DocumentRepository,
        rooms: Rooms,
        *,
        records: Records,
        users: UserService,
        packs: Mapping[Kind, Pack] | None = None,
    ) -> None:
        self._repository = repository
        self._rooms = rooms
        self._records = records
        self._users = users
        self._own = packs

    @operation(permission="documents:read", kind="query")
    def get(
        self, unit: Unit, ref: Ref, kind: Kind, against: Ref | None = None, digest: Digest | None = None
    ) -> Document:
        """A document of a version, made from what is on record; the same record gives the same document.

        Args:
            unit: The unit of work.
            ref: The version.
            kind: Which document.
            against: The version to compare it with; by default the one that it replaced, or would replace.
            digest: Of a document that was kept: as it was then, and not as it is now.

        Raises:
            NotFound: There is no such version, or no such document was kept.
            Corrupted: What is stored is not what was recorded.
        """
        return self._document(unit, ref, kind, against, digest)

    @operation(permission="documents:read", kind="query")
    def make(
        self,
        unit: Unit,
        ref: Ref,
        kind: Kind,
        format: Format = Format.MD,  # noqa: A002  # the name that callers write
        against: Ref | None = None,
        digest: Digest | None = None,
    ) -> Download:
        """A document of a version as a file, with the names of people; the same document gives the same bytes.

        Args:
            unit: The unit of work.
            ref: The version.
            kind: Which document.
            format: ``md``, ``html`` (one file, no script) or ``pdf`` (needs the extra ``pdf``).
            against: The version to compare it with; by default the one that it replaced, or would replace.
            digest: Of a document that was kept: as it was then, and not as it is now.

        Raises:
            NotFound: There is no such version, or no such document was kept.
            Unavailable: What writes PDF is not installed.
        """
        from modelwright.documents.formats import MEDIA_TYPES, rendered  # weight: only for those who want a file
        from modelwright.documents.people import named, people

        document = self._document(unit, ref, kind, against, digest)
        known = {user.id: str(user) for user in self._users.names(unit, people(document))}
        stored = self._rooms.blobs.put(rendered(named(document, known), format))
        name = f"{document.subject.replace('@', '-')}-{kind.replace('_', '-')}.{format}"
        return Download(digest=stored.digest, size=stored.size, media_type=MEDIA_TYPES[format], filename=name)

    @operation(permission="documents:read", kind="query")
    def status(self, unit: Unit, ref: Ref) -> Status:
        """How the documents of a version stand: how many statements are computed, attested and missing.

        Args:
            unit: The unit of work.
            ref: The version.
        """
        version = self._rooms.models.get(unit, ref)
        made = self._maker(unit, version)
        standings = []
        for kind, pack in sorted(self._packs().items()):
            document = made(kind)
            newest = self._repository.kept(unit.rows, unit.project, version.ref, kind, limit=1)
            standings.append(
                Standing(
                    kind=kind,
                    title=pack.title,
                    digest=document.digest,
                    counts=document.counts,
                    lacking=tuple(dict.fromkeys(item.id for item, _ in document.missing)),
                    kept=newest[0][1] if newest else None,
                )
            )
        declared = self._repository.declared(unit.rows, unit.project, version.ref)
        return Status(subject=version.ref, documents=tuple(standings), declaration=declared)

    @operation(permission="documents:read", kind="query")
    def list(self, unit: Unit, ref: Ref, limit: int = 50, after: str | None = None) -> Page[Kept]:
        """The documents of a version that were kept, newest first.

        Args:
            unit: The unit of work.
            ref: The version.
            limit: Documents a page, 1 to 1,000.
            after: ``next`` of the page before.
        """
        subject = self._rooms.models.get(unit, ref).ref
        found = self._repository.kept(
            unit.rows, unit.project, subject, before=position(after), limit=limited(limit) + 1
        )
        page = paged(found, limit, lambda one: one[0])
        return Page(items=[kept for _, kept in page.items], next=page.next)

    @operation(permission="documents:write", kind="command")
    def keep(self, unit: Unit, ref: Ref) -> tuple[Kept, ...]:
        """Keep the model card, the technical file and the change report of a version as they are now.

        It is done by itself when an alias or an endpoint moves to a version. What is kept already stays as it is.

        Args:
            unit: The unit of work.
            ref: The version.
        """
        with self._records.reading() as rows:  # long, and so before the transaction
            snapshot = Snapshot(unit, rows)
            version = self._rooms.models.get(snapshot, ref)
            made = self._maker(snapshot, version)
            documents = [made(kind) for kind in _KINDS]
        return tuple(self._kept(unit, version, document) for document in documents)

    @operation(permission="evidence:write", kind="command", idempotent=True)
    def check(self, unit: Unit, ref: Ref) -> Evidence:
        """Count what the documents of a version have and lack, as evidence for the gate ``documented``; keep them.

        It is about the rows of the version's newest evaluation: another evaluation, and whatever is attested later,
        asks for this once more.

        Args:
            unit: The unit of work.
            ref: The version.

        Raises:
            NotFound: There is no such version, or it was not evaluated under the charter in force.
        """
        from modelwright.documents.compose import composed  # weight: the rooms' types
        from modelwright.documents.counting import counted

        with self._records.reading() as rows:  # long, and so before the transaction
            snapshot = Snapshot(unit, rows)
            version = self._rooms.models.get(snapshot, ref)
            on = self._rooms.evidence.evaluated(snapshot, version.ref)
            record, answers = self._read(snapshot, version, None)
            packs = self._packs()
            documents = [composed(packs[kind], record, answers) for kind in _KINDS]
        subject = self._rooms.evidence.subject(unit, version.ref, on.dataset.ref, on.window)
        for document in documents:
            self._kept(unit, version, document)
        found = Documented(documents=tuple(counted(document, record) for document in documents))
        return self._rooms.evidence.recorded(unit, subject, [found])[0]

    @operation(permission="documents:read", kind="query")
    def questions(self, unit: Unit, ref: Ref, kind: Kind | None = None) -> tuple[Asked, ...]:
        """What the documents of a version ask people, in their order, each with the answer that stands in it now.

        Args:
            unit: The unit of work.
            ref: The version.
            kind: The document that asks; none means all of them.
        """
        from modelwright.documents.compose import answer_to  # weight: the rooms' types

        version = self._rooms.models.get(unit, ref)
        answers = self._repository.attested(unit.rows, unit.project, version.ref, version.package)
        return tuple(
            Asked(
                kind=pack.kind,
                item=question.id,
                clause=question.clause,
                title=question.title,
                question=question.attest,
                names=question.names,
                answer=answer_to(pack, question, answers),
            )
            for _, pack in sorted(self._packs().items())
            for question in pack.questions.values()
            if question.attest and kind in (None, pack.kind)
        )

    @operation(permission="documents:attest", kind="command")
    def attest(
        self,
        unit: Unit,
        ref: Ref,
        item: ItemId,
        text: str,
        kind: Kind = Kind.TECHNICAL_FILE,
        names: tuple[str, ...] = (),
    ) -> Attestation:
        """Answer a question of a document that no program can; an earlier answer stays on record behind it.

        The answer is about these very bytes: another version needs one of its own. It holds no figures, because what
        can be counted or measured is computed. The ledger keeps a salted digest, not the words.

        Args:
            unit: The unit of work.
            ref: The version.
            item: The question, by its id: ``documents.status`` lists those that lack an answer.
            text: The answer.
            kind: The document that asks.
            names: Names that hold figures, where the question is for such: a standard, a certificate, an address.

        Raises:
            Invalid: Nobody is asked for this, or the answer holds a figure.
        """
        from modelwright.documents.compose import check_answer  # weight: the rooms' types

        version = self._rooms.models.get(unit, ref)
        question = check_answer(self._packs()[kind], item, text, names)
        said = {
            "ref": version.ref,
            "package": version.package,
            "kind": kind,
            "item": item,
            "asked": question.asked,
            "text": text,
            "names": names,
            "salt": new_id() + new_id(),
            "by": unit.actor.id,
        }
        answer = wire.convert({**said, "digest": wire.digest(said), "at": unit.now}, Attestation)
        self._repository.attest(unit.rows, unit.project, answer)
        unit.emit(
            FactAttested(
                digest=answer.digest,
                document=kind,
                item=item,
                asked=question.asked,
                model=version.model,
                version=version.version,
                package=version.package,
            )
        )
        return answer

    @operation(permission="documents:declare", kind="command")
    def declare(self, unit: Unit, ref: Ref) -> Declaration:
        """Make the declaration of conformity of a version; refused while anything in it or behind it is missing.

        Args:
            unit: The unit of work.
            ref: The version.

        Raises:
            Refused: A statement of the declaration or of the technical file is missing; the message lists which.
        """
        version = self._rooms.models.get(unit, ref)
        made = self._maker(unit, version)
        file, declaration = made(Kind.TECHNICAL_FILE), made(Kind.DECLARATION)
        _require_complete(version, file, declaration)
        before = self._repository.declared(unit.rows, unit.project, version.ref)
        if before is not None and (before.technical_file, before.document) == (file.digest, declaration.digest):
            return before
        for document in (file, declaration):
            self._kept(unit, version, document)
        found = Declaration(
            subject=version.ref,
            package=version.package,
            technical_file=file.digest,
            document=declaration.digest,
            at=unit.now,
            by=unit.actor.id,
        )
        self._repository.declare(unit.rows, unit.project, found)
        unit.emit(
            ConformityDeclared(
                model=version.model,
                version=version.version,
                package=version.package,
                technical_file=found.technical_file,
                document=found.document,
            )
        )
        return found

    def _document(self, unit: Unit, ref: str, kind: Kind, against: str | None, digest: str | None) -> Document:
        from modelwright.documents.compose import asks_for_another  # weight: the rooms' types

        version = self._rooms.models.get(unit, ref)
        if digest is not None:
            return self._as_kept(unit, version, kind, digest)
        pack = self._packs()[kind]
        if against is not None and not asks_for_another(pack):
            raise Invalid(
                f"A {pack.title.lower()} compares {version.ref} with nothing.",
                remedy="Ask for the change report, or leave `against` out.",
                fields={"against": "is not asked for"},
            )
        return self._maker(unit, version, against)(kind)

    def _as_kept(self, unit: Unit, version: ModelVersion, kind: Kind, digest: str) -> Document:
        kept = self._repository.by_digest(unit.rows, unit.project, digest)
        if kept is None or (kept.subject, kept.kind) != (version.ref, kind):
            raise not_kept(digest)
        return wire.decode(self._rooms.blobs.read(digest), Document)

    def _maker(self, unit: Unit, version: ModelVersion, against: str | None = None) -> Callable[[Kind], Document]:
        """What makes each kind from one reading of the record."""
        from modelwright.documents.compose import composed  # weight: the rooms' types

        packs = self._packs()
        record, answers = self._read(unit, version, against)
        return lambda kind: composed(packs[kind], record, answers)

    def _read(self, unit: Unit, version: ModelVersion, against: str | None) -> tuple[Record, Sequence[Attestation]]:
        """What is on record, and what people said of these bytes."""
        from modelwright.facts.gather import gathered  # weight: the rooms' types

        record = gathered(self._rooms, unit, version, against=against)
        return record, self._repository.attested(unit.rows, unit.project, version.ref, version.package)

    def _kept(self, unit: Unit, version: ModelVersion, document: Document) -> Kept:
        stored = self._rooms.blobs.put(wire.canonical(document))
        known = self._repository.by_digest(unit.rows, unit.project, stored.digest)
        if known is not None:
            return known
        kept = Kept(
            digest=stored.digest,
            kind=document.kind,
            subject=document.subject,
            package=document.package,
            template=document.template,
            as_of=document.as_of,
            counts=document.counts,
            at=unit.now,
            by=unit.actor.id,
        )
        self._repository.keep(unit.rows, unit.project, kept)
        unit.emit(
            DocumentKept(
                digest=kept.digest,
                document=kept.kind,
                model=version.model,
                version=version.version,
                package=version.package,
                pack=kept.template.digest,
                counts=kept.counts,
            )
        )
        return kept

    def _packs(self) -> Mapping[Kind, Pack]:
        from modelwright.documents.packing import built_in  # weight: yaml

        return built_in() if self._own is None else self._own


def _require_complete(version: ModelVersion, *documents: Document) -> None:
    lacking = {(document.kind, item.id): said for document in documents for item, said in document.missing}
    if not lacking:
        return
    told = [f"{kind.replace('_', ' ')}, {item}: {said.text}" for (kind, item), said in lacking.items()]
    advice = list(dict.fromkeys(said.advice for said in lacking.values()))
    raise Refused(
        f"{version.ref} cannot be declared in conformity: {len(lacking)} answers are missing. " + " ".join(told),
        remedy=" ".join(advice),
        fields={f"{kind}.{item}": said.text for (kind, item), said in lacking.items()},
    )

"""Verbs on the ledger for scripts and notebooks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from msgspec.structs import replace

from modelwright.core import wire
from modelwright.core.errors import Conflict, Corrupted, NotFound
from modelwright.core.operation import Face
from modelwright.ledger import proofs
from modelwright.ledger.checkpoint import claimed
from modelwright.ledger.exporting import Export, Exported
from modelwright.ledger.model import Asked, Checkpoint, Consistency, Entry, Place

DECIDED = "governance.transition_decided"


class LedgerFace(Face):
    """``ws.ledger``."""

    def export(
        self,
        file: str | Path,
        *,
        project: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        actor: str | None = None,
        about: str | None = None,
        table: bool = False,
        people: Mapping[str, str] | None = None,
    ) -> Exported:
        """Write the ledger, or a part of it, to a file, and its manifest beside it (``FILE.manifest.json``).

        As JSON lines it begins with the key and the newest checkpoint, and anybody can verify it offline; a part has
        hashes in place of what was not asked for. As a table it is for people, and its manifest vouches for the file.

        Args:
            file: Where; it must not be there yet.
            project: Of this project alone; whoever may not export the whole ledger gives their own.
            since: Recorded at this moment or later.
            until: Recorded before this moment.
            actor: Caused by whom, opaque.
            about: A name, or ``name@version``, that stands in the event.
            table: CSV in place of JSON lines.
            people: Opaque id -> name, for the manifest and the table.

        Raises:
            Conflict: The file is there.
            Denied: The caller may not.
        """
        target = Path(file)
        beside = target.with_name(target.name + ".manifest.json")
        for each in (target, beside):
            if each.exists():
                raise Conflict(f"{each} is there already.", remedy="Choose another name.")
        if not target.parent.is_dir():
            raise NotFound(f"There is no folder {target.parent}.", remedy="Make it first.")
        asked = Asked(project=project, since=since, until=until, actor=actor, about=about)
        export = Export(asked, people or {})
        lines = export.table(self.excerpt) if table else export.part(self.excerpt) if asked.given else None
        fresh = target.with_name(target.name + ".part")
        with fresh.open("wb") as written:
            written.writelines(export.whole(self.read) if lines is None else lines)
        manifest = export.manifest(target.name)
        beside.write_bytes(wire.encode(manifest) + b"\n")
        fresh.replace(target)
        return manifest

    def anchor(self, file: str | Path) -> Checkpoint:
        """Append the newest checkpoint to a file outside the home, and record that it was done.

        The ledger is first held against the newest checkpoint in the file: what was rewritten gets no new one.

        Args:
            file: Made when it is not there; a file that holds anything but checkpoints is left alone.

        Raises:
            Corrupted: The ledger does not begin with what the file's newest checkpoint was over.
        """
        from modelwright.ledger import anchors  # weight: subprocess

        target = Path(file)
        known = anchors.in_file(target)

        newest: Checkpoint = self.checkpoint()
        own = [note for note in known if claimed(note)[0] == newest.origin]
        note = self._proven(anchors.newest(own)) if own else newest.note
        anchors.append(target, note)
        return self._recorded(newest, note, Place.FILE)

    def anchor_tag(self, prefix: str) -> tuple[Checkpoint, str]:
        """Make an annotated tag ``PREFIX-SIZE`` with the newest checkpoint, and record that it was done.

        Args:
            prefix: How the tag's name begins.

        Returns:
            The checkpoint, and the tag in the git repository of the working folder. Push it: here it is only as safe as
            this machine.
        """
        from modelwright.ledger import anchors  # weight: subprocess

        newest: Checkpoint = self.checkpoint()
        name = anchors.tag(prefix, newest.size, newest.note)
        return self._recorded(newest, newest.note, Place.GIT_TAG), name

    def decided(self, ref: str) -> int:
        """Position of the newest entry in which a promotion of ``model@version`` was allowed or refused.

        Raises:
            NotFound: None was decided.
        """
        model, _, version = ref.partition("@")
        after = None
        while True:
            page = self.list(kind=DECIDED, limit=1000, after=after)
            for entry in page.items:
                if _about(entry) == (model, version):
                    return int(entry.envelope.seq)
            if page.next is None:
                raise NotFound(
                    f"Nothing was decided about {ref[:80]!r}.",
                    remedy="Write model@version, e.g. flight-delay@3. What was: modelwright model decisions MODEL",
                )
            after = page.next

    def _proven(self, since: str) -> str:
        """The newest checkpoint, proven to continue an older one: the ledger may be of a server that others run."""
        proof: Consistency = self.consistency(since)
        (origin, old), (ours, new) = claimed(since), claimed(proof.checkpoint)
        path = [bytes.fromhex(each) for each in proof.proof]
        proven = proofs.extends(old.size, bytes.fromhex(old.root), new.size, bytes.fromhex(new.root), path)
        if origin != ours or not proven:
            raise Corrupted(
                f"The ledger does not prove that it begins with the {old.size} entries that were kept.",
                remedy="Run `modelwright ledger verify --against FILE` with the file.",
            )
        return proof.checkpoint

    def _recorded(self, newest: Checkpoint, note: str, place: Place) -> Checkpoint:
        self.record_anchor(note, place)
        head = claimed(note)[1]
        return replace(newest, note=note, size=head.size, root=head.root)


def _about(entry: Entry) -> tuple[str, str]:
    move = entry.envelope.body["decision"]["transition"]
    return str(move["model"]), str(move["version"])

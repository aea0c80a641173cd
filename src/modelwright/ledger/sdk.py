"""Verbs on the ledger for scripts and notebooks."""

from __future__ import annotations

from pathlib import Path

from modelwright.core import wire
from modelwright.core.errors import Conflict, NotFound
from modelwright.core.operation import Face
from modelwright.ledger.model import RawPage


class LedgerFace(Face):
    """``ws.ledger``."""

    def export(self, file: str | Path) -> int:
        """Write the whole ledger as JSON lines: the public key and the signed head first, then each entry as hashed.

        Args:
            file: Where; it must not be there yet.

        Returns:
            How many entries were written.
        """
        target = Path(file)
        if target.exists():
            raise Conflict(f"{target} is there already.", remedy="Choose another name.")
        if not target.parent.is_dir():
            raise NotFound(f"There is no folder {target.parent}.", remedy="Make it first.")
        lines: list[bytes] = []
        page: RawPage = self.read()
        while page.entries:
            lines += [wire.encode(entry) for entry in page.entries]
            page = self.read(after=str(page.entries[-1].seq))
        # the last page's head: it was read in one snapshot with the end, so no later entry is missing or too many
        head = wire.encode({"format": 1, "public_key": page.public_key, "head": page.head})
        fresh = target.with_name(target.name + ".part")
        fresh.write_bytes(b"\n".join([head, *lines]) + b"\n")
        fresh.replace(target)
        return len(lines)

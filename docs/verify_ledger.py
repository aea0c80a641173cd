"""Verify what a Modelwright ledger has given away, without Modelwright: Python's standard library is enough.

    python verify_ledger.py FILE [--key KEY] [--against CHECKPOINTS]

FILE is what `ledger export`, `receipt` or `consistency` wrote; FILE.manifest.json is read where it lies beside. KEY is
what `ledger key` prints; get it from the owner on another way than the file. Without it an export is checked against
the key that it names itself: that shows that it hangs together, not who wrote it. CHECKPOINTS is a file of this
ledger's: it must begin with each.
Exit code 0: as it was recorded. 1: altered; the first altered entry is named. 2: it cannot be read.
"""

import argparse
import base64
import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any

FAMILY = "modelwright/ledger/"
NOTE = re.compile(r"([^\n]+)\n(0|[1-9][0-9]*)\n([A-Za-z0-9+/]{43}=)\n\n((?:— [^\n]+\n)+)")
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)
KIND, P = b"application/vnd.modelwright.ledger-head+json", 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
ORDER = 2**252 + 27742317777372353535851937790883648493
Key = tuple[str, bytes]


class AlteredError(Exception):
    """It is not what was recorded."""


def sha256(*parts: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(b"".join(parts)).digest()


def merkle_root(leaves: list[bytes]) -> bytes:
    """The Merkle tree hash of leaf hashes (RFC 6962, section 2.1)."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"")
    left = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01", merkle_root(leaves[:left]), merkle_root(leaves[left:]))


def root_of(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """The root that an audit path leads to, from its top down (RFC 6962, section 2.1.1)."""
    if size == 1:
        return leaf
    left, sibling = 1 << (size - 1).bit_length() - 1, path.pop()
    if index < left:
        return sha256(b"\x01", root_of(leaf, index, left, path), sibling)
    return sha256(b"\x01", sibling, root_of(leaf, index - left, size - left, path))


def roots_of(old: int, size: int, path: list[bytes], known: bytes | None) -> tuple[bytes, bytes]:
    """The older and the newer root that a proof leads to, from its top down (RFC 6962, section 2.1.2)."""
    if old == size:
        same = path.pop() if known is None else known
        return same, same
    left, sibling = 1 << (size - 1).bit_length() - 1, path.pop()
    if old <= left:
        before, after = roots_of(old, left, path, known)
        return before, sha256(b"\x01", after, sibling)
    before, after = roots_of(old - left, size - left, path, None)
    return sha256(b"\x01", sibling, before), sha256(b"\x01", sibling, after)


def plus(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    """The sum of two points of Ed25519's curve, in extended coordinates (RFC 8032, section 5.1.4)."""
    a, b = (one[1] - one[0]) * (other[1] - other[0]) % P, (one[1] + one[0]) * (other[1] + other[0]) % P
    c, d = 2 * one[3] * other[3] * D % P, 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number: int, point: tuple[int, ...]) -> tuple[int, ...]:
    """A multiple of a point."""
    found: tuple[int, ...] = (0, 1, 1, 0)
    while number:
        found = plus(found, point) if number & 1 else found
        number, point = number >> 1, plus(point, point)
    return found


def point_of(text: bytes) -> tuple[int, ...]:
    """The point that 32 bytes stand for (RFC 8032, section 5.1.3)."""
    y, odd = int.from_bytes(text, "little") & (2**255 - 1), text[31] >> 7
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if x * x % P == square else x * pow(2, (P - 1) // 4, P) % P
    if y >= P or x * x % P != square or (x == 0 and odd):
        raise ValueError("no point of the curve")
    x = x if x & 1 == odd else P - x
    return x, y, 1, x * y % P


BASE = point_of((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def signed_by(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether an Ed25519 signature is of this key and message (RFC 8032, section 5.1.7)."""
    if len(signature) != 64 or (number := int.from_bytes(signature[32:], "little")) >= ORDER:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % ORDER
    x, y, z, t = point_of(public)
    x, y, z, _ = plus(times(number, BASE), times(k, (P - x, y, z, P - t)))
    x, y = x * pow(z, -1, P) % P, y * pow(z, -1, P) % P
    return (y | (x & 1) << 255).to_bytes(32, "little") == signature[:32]


def key_of(text: str) -> Key:
    """Name and key of a verifier key ``name+id+base64``, or of 64 hex digits as the first form gave them."""
    name, *rest = text.strip().split("+", 2)
    public = base64.b64decode(rest[1], validate=True)[1:] if rest else bytes.fromhex(name)
    name = name if rest else FAMILY + sha256(public).hex()[:32]
    if len(public) != 32:
        raise ValueError("the key is not what `modelwright ledger key` prints")
    return name, public


def opened(note: str, key: Key) -> tuple[int, bytes]:
    """Size and root of a checkpoint, once its signature has been checked (https://c2sp.org/tlog-checkpoint)."""
    if (found := NOTE.fullmatch(note)) is None:
        raise AlteredError("the checkpoint cannot be read")
    origin, size, root, lines = found.groups()
    signatures = [base64.b64decode(line.split(" ")[2]) for line in lines.splitlines() if line.split(" ")[1] == key[0]]
    key_id = sha256(key[0].encode(), b"\n\x01", key[1])[:4]
    signatures = [each[4:] for each in signatures if each[:4] == key_id]
    if not signatures or origin != key[0]:
        raise AlteredError(f"the checkpoint over {size} entries, of {origin}, is not signed by the key of {key[0]}")
    if not all(signed_by(key[1], note.partition("\n\n")[0].encode() + b"\n", each) for each in signatures):
        raise AlteredError(f"the signature of the checkpoint over {size} entries does not match it")
    return int(size), base64.b64decode(root)


def opened_envelope(envelope: Any, key: Key, chain: bytes) -> tuple[int, bytes]:
    """Size and root of a head in its first form, a DSSE envelope; an empty ledger has none."""
    if envelope is None:
        return 0, merkle_root([])
    payload, kind = base64.b64decode(envelope["payload"], validate=True), envelope["payloadType"].encode()
    message = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
    signatures = [each["sig"] for each in envelope["signatures"] if each["keyid"] == sha256(key[1]).hex()]
    if not signatures:
        raise AlteredError(f"the head is not signed by the key {sha256(key[1]).hex()[:12]}…")
    if kind != KIND or not signed_by(key[1], message, base64.b64decode(signatures[0], validate=True)):
        raise AlteredError("the signature of the head does not match its bytes")
    head = json.loads(payload)
    return head["size"], bytes.fromhex(head["root"]) if head["chain"] == chain.hex() else b""


def checked(line: bytes, position: int, chain: bytes | None) -> tuple[bytes, bytes]:
    """One entry's leaf hash, and the chain behind it; where the one before it was left out, as the entry says it."""
    entry = json.loads(line)
    if entry["seq"] != position:
        raise AlteredError(f"it is missing; the next one is {entry['seq']}")
    leaf = sha256(b"\x00", entry["envelope"].encode())
    if leaf.hex() != entry["leaf"]:
        raise AlteredError("its text is not what was hashed")
    behind = bytes.fromhex(entry["chain"]) if chain is None else sha256(chain, leaf)
    if behind.hex() != entry["chain"]:
        raise AlteredError("it does not follow from the entry before it")
    facts = json.loads(entry["envelope"])
    if any(facts[name] != entry[name] for name in ("seq", "kind", "project")):
        raise AlteredError("a column beside its text has been altered")
    return leaf, behind


def export(text: bytes, key: Key | None, against: list[str]) -> str:
    """Check what ``ledger export`` wrote."""
    about, lines = json.loads(text.splitlines()[0]), text.splitlines()[1:]
    if about["format"] not in (1, 2):
        raise ValueError("an export that this script does not know")
    whose = "the given key" if key else "the file's own key; give --key to check whose it is"
    key = key or key_of(about["key"] if about["format"] == 2 else about["public_key"])
    leaves, chain = [], bytes(32)
    for position, line in enumerate(lines, start=1):
        try:
            leaf, chain = checked(line, position, chain)
        except (AlteredError, *UNREADABLE) as error:
            raise AlteredError(f"entry {position}: {error}") from None
        leaves.append(leaf)
    try:
        first = about["format"] == 1
        size, root = opened_envelope(about["head"], key, chain) if first else opened(about["checkpoint"], key)
    except UNREADABLE:
        raise AlteredError("the head cannot be read") from None
    if size != len(leaves):
        raise AlteredError(f"the head was signed over {size} entries, and {len(leaves)} are here")
    if root != merkle_root(leaves):
        raise AlteredError("the signed head does not belong to these entries")
    good = 0
    for size, kept in sorted(opened(note, key) for note in against):
        if size > len(leaves):
            raise AlteredError(f"a checkpoint was kept over {size} entries, and {len(leaves)} are here")
        if merkle_root(leaves[:size]) != kept:
            raise AlteredError(f"the first {size} entries are not those of the checkpoint; up to {good} they are")
        good = size
    begins = f", beginning with the {good:,} of the checkpoint" if against else ""
    return (
        f"intact: {len(leaves):,} entries, root {root.hex()}{begins}, signed by {sha256(key[1]).hex()[:12]} ({whose})"
    )


def part(text: bytes, key: Key | None, against: list[str]) -> str:
    """Check what ``ledger export`` wrote of a part: some entries, and for the others roots of perfect subtrees."""
    about, *lines = text.splitlines()
    facts = json.loads(about)
    whose = "the given key" if key else "the file's own key; give --key to check whose it is"
    key = key or key_of(facts["key"])
    size, root = opened(facts["checkpoint"], key)
    kept = dict(opened(note, key) for note in against)
    edge: list[tuple[int, bytes]] = []  # perfect subtrees from left to right: how many entries, root
    position, count = 0, 0
    chain: bytes | None = bytes(32)
    for line in lines:
        try:
            if "root" in (entry := json.loads(line)):
                (leaves, digest), chain = left_out(entry, position), None
            else:
                (digest, chain), leaves, count = checked(line, position + 1, chain), 1, count + 1
        except (AlteredError, *UNREADABLE) as error:
            raise AlteredError(f"entry {position + 1}: {error}") from None
        position += leaves
        while edge and edge[-1][0] == leaves:
            digest, leaves = sha256(b"\x01", edge.pop()[1], digest), leaves * 2
        edge.append((leaves, digest))
        if position in kept and kept.pop(position) != risen(edge):
            raise AlteredError(f"the first {position} entries are not those of the checkpoint")
    if position != size or risen(edge) != root:
        raise AlteredError(f"the head was signed over {size} other entries than the {position} of this part")
    if kept:
        raise ValueError(f"the first {min(kept)} entries cannot be told from this part; ask for `ledger consistency`")
    return f"intact: {count:,} of {size:,} entries, root {root.hex()}, signed by {sha256(key[1]).hex()[:12]} ({whose})"


def left_out(entry: Any, position: int) -> tuple[int, bytes]:
    """How many entries were left out behind a position, and the root of the perfect subtree that they are."""
    leaves = entry["last"] - position
    if entry["first"] != position + 1 or leaves < 1 or leaves & (leaves - 1) or position % leaves:
        raise AlteredError("what stands for entries that were left out does not fit there")
    return leaves, bytes.fromhex(entry["root"])


def risen(edge: list[tuple[int, bytes]]) -> bytes:
    """The root over perfect subtrees."""
    top = edge[-1][1] if edge else sha256(b"")
    for _, left in reversed(edge[:-1]):
        top = sha256(b"\x01", left, top)
    return top


def manifest(file: Path, content: bytes) -> None:
    """Compare a file with the manifest beside it."""
    beside = file.with_name(file.name + ".manifest.json")
    if beside.exists() and json.loads(beside.read_bytes())["sha256"] != sha256(content).hex():
        raise AlteredError(f"its SHA-256 is not the one in {beside.name}")


def table(file: Path, key: Key | None) -> str:
    """Check a table, for which nothing but its manifest vouches."""
    facts = json.loads(file.with_name(file.name + ".manifest.json").read_bytes())
    size, _ = opened(facts["checkpoint"], key or key_of(facts["key"]))
    return f"as exported: {facts['entries']:,} of {size:,} entries; a table proves nothing, JSON lines do"


def proof(text: str, key: Key | None, against: list[str]) -> str:
    """Check what ``ledger receipt`` or ``ledger consistency`` wrote."""
    if key is None:
        raise ValueError("a proof needs --key")
    head, _, note = text.partition("\n\n")
    lines, (size, root) = head.split("\n"), opened(note, key)
    if lines[0] == "c2sp.org/tlog-proof@v1":
        entry, index = base64.b64decode(lines[1].removeprefix("extra ")), int(lines[2].removeprefix("index "))
        path = [base64.b64decode(line, validate=True) for line in lines[3:]]
        if index >= size or root_of(sha256(b"\x00", entry), index, size, path) != root or path:
            raise AlteredError("the receipt's entry is not in the tree of its checkpoint")
        return f"proven: entry {index + 1} of {size:,} of {key[0]} says\n{json.dumps(json.loads(entry))}"
    old, path = int(lines[0].removeprefix("old ")), [base64.b64decode(line, validate=True) for line in lines[1:]]
    kept = dict(opened(each, key) for each in against)
    if old not in kept:
        raise ValueError(f"a proof from {old} entries on needs --against with the checkpoint over them")
    if not 0 <= old <= size or (old and roots_of(old, size, path, kept[old]) != (kept[old], root)) or path:
        raise AlteredError(f"the ledger does not begin with the {old} entries of the checkpoint")
    return f"proven: the ledger {key[0]}, of {size:,} entries, begins with the {old:,} of the checkpoint"


def main(arguments: list[str]) -> int:
    """Verify and say what was found; the exit code."""
    parser = argparse.ArgumentParser(description="Verify an export, a receipt or a proof of a Modelwright ledger.")
    parser.add_argument("file", type=Path, help="the export, receipt or proof")
    parser.add_argument("--key", help="the key to trust, as `modelwright ledger key` prints it")
    parser.add_argument("--against", type=Path, help="a file of checkpoints that were kept")
    given = parser.parse_args(arguments)
    try:
        content, key = given.file.read_bytes(), key_of(given.key) if given.key else None
        kept = given.against.read_text("utf-8") if given.against else ""
        against = [found[0] for found in NOTE.finditer(kept)]
        if given.against and (not against or NOTE.sub("", kept).strip()):
            raise ValueError(f"{given.against} holds something else than checkpoints")
        manifest(given.file, content)
        if content[:1] == b"{":
            first = json.loads(content.splitlines()[0])
            print((part if first["format"] == 3 else export)(content, key, against))
        elif content.startswith(b"seq,"):
            print(table(given.file, key))
        else:
            print(proof(content.decode(), key, against))
    except AlteredError as error:
        print(f"ALTERED: {error}")
        return 1
    except (OSError, *UNREADABLE) as error:
        print(f"cannot be read: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What the home signs is DSSE, as anybody with the specification and an Ed25519 library reads it."""

from __future__ import annotations

import base64
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from modelwright.core.errors import Corrupted
from modelwright.core.signing import Signature
from modelwright.store.keys import Keys, opened

KIND = "application/vnd.example+json"
SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return Keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    return Keys(tmp_path_factory.mktemp("others"))


def pae(kind: str, payload: bytes) -> bytes:
    """PAE(type, body) = "DSSEv1" SP LEN(type) SP type SP LEN(body) SP body, written from the specification.

    Source: https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
    """
    parts = (b"DSSEv1", str(len(kind.encode())).encode(), kind.encode(), str(len(payload)).encode(), payload)
    return b" ".join(parts)


def test_the_encoding_is_that_of_the_specifications_own_example():
    """The test vector of protocol.md: ``http://example.com/HelloWorld`` over ``hello world``."""
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


@given(st.binary(max_size=200), st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
@SHARED
def test_anybody_can_verify_a_signature(keys, payload, kind):
    envelope = keys.sign(payload, kind)
    (signature,) = envelope.signatures
    key = Ed25519PublicKey.from_public_bytes(keys.public)
    key.verify(base64.b64decode(signature.sig), pae(kind, payload))
    assert base64.b64decode(envelope.payload) == payload
    assert envelope.payload_type == kind


@given(st.binary(max_size=200))
@SHARED
def test_what_was_signed_is_what_is_opened(keys, payload):
    assert opened(keys.sign(payload, KIND), keys.public, KIND) == payload


@given(st.binary(min_size=1, max_size=60), st.data())
@SHARED
def test_no_character_of_payload_or_signature_can_be_another(keys, payload, data):
    envelope = keys.sign(payload, KIND)
    (signature,) = envelope.signatures
    text = data.draw(st.sampled_from([envelope.payload, signature.sig]))
    place = data.draw(st.integers(0, len(text) - 1))
    wrong = data.draw(st.sampled_from([c for c in "AQgw09+/=é \n" if c != text[place]]))
    changed = text[:place] + wrong + text[place + 1 :]
    altered = (
        replace(envelope, payload=changed)
        if text == envelope.payload
        else replace(envelope, signatures=(replace(signature, sig=changed),))
    )
    with pytest.raises(Corrupted):
        opened(altered, keys.public, KIND)


def test_a_payload_of_one_type_does_not_pass_for_another(keys):
    """The type is signed too: a manifest cannot be shown as a ledger's head."""
    envelope = keys.sign(b"{}", KIND)
    with pytest.raises(Corrupted, match="holds"):
        opened(envelope, keys.public, "application/vnd.other+json")
    with pytest.raises(Corrupted, match="does not match"):
        opened(replace(envelope, payload_type="application/vnd.other+json"), keys.public, "application/vnd.other+json")


def test_somebody_elses_signature_is_not_the_homes(keys, other):
    with pytest.raises(Corrupted, match="not signed by the trusted key"):
        opened(other.sign(b"{}", KIND), keys.public, KIND)


def test_somebody_elses_signature_under_our_name_is_not_ours(keys, other):
    theirs, ours = other.sign(b"{}", KIND), keys.sign(b"{}", KIND)
    forged = Signature(keyid=ours.signatures[0].keyid, sig=theirs.signatures[0].sig)
    with pytest.raises(Corrupted, match="does not match"):
        opened(replace(ours, signatures=(forged,)), keys.public, KIND)
    with pytest.raises(InvalidSignature):
        Ed25519PublicKey.from_public_bytes(keys.public).verify(base64.b64decode(forged.sig), pae(KIND, b"{}"))


def test_an_unsigned_envelope_is_not_opened(keys):
    with pytest.raises(Corrupted, match="not signed"):
        opened(replace(keys.sign(b"{}", KIND), signatures=()), keys.public, KIND)


def test_a_signature_among_others_is_found(keys, other):
    ours, theirs = keys.sign(b"{}", KIND), other.sign(b"{}", KIND)
    both = replace(ours, signatures=(*theirs.signatures, *ours.signatures))
    assert opened(both, keys.public, KIND) == b"{}"
    assert opened(both, other.public, KIND) == b"{}"


def test_the_private_key_is_its_owners_alone(tmp_path):
    folder = tmp_path / "keys"
    assert len(Keys(folder).public) == 32
    assert stat.S_IMODE((folder / "signing.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [path.name for path in folder.iterdir()] == ["signing.key"]


def test_a_home_has_one_key_however_often_it_is_opened(tmp_path):
    assert Keys(tmp_path).public == Keys(tmp_path).public


def test_threads_that_ask_first_at_once_get_one_key(tmp_path):
    """Each opens the home for itself; whoever links first has made the key."""
    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(lambda _: Keys(tmp_path / "keys").public, range(16)))
    assert len(found) == 1
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["signing.key"]

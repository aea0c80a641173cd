"""Versions come to be once, are numbered without gaps, and consist of bytes that are there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from modelwright.app.workspace import Platform
from modelwright.core import wire
from modelwright.core.errors import Invalid, NotFound
from modelwright.core.ids import Pinned
from modelwright.models.model import MANIFEST_TYPE, Manifest, PackagePath
from modelwright.store.keys import opened

from .conftest import INPUTS, Registry


def test_the_first_version_is_1_and_the_next_is_2(registry):
    assert [registry.register(data=data).version for data in (b"a", b"b", b"c")] == [1, 2, 3]
    assert registry.register("other").version == 1


def test_the_same_package_again_is_the_version_it_already_is(registry):
    first, state = registry.register(data=b"a", note="first words"), None
    registry.register(data=b"b")
    state = registry.state
    again = registry.register(data=b"a", note="other words")
    assert again == first
    assert registry.state == state


def test_the_order_in_which_files_are_named_makes_no_other_package(registry):
    one, two = registry.file("a.json", b"1"), registry.file("b.json", b"2")
    first = registry.register("delay", one, two)
    assert registry.register("delay", two, one) == first
    assert [file.path for file in first.manifest.files] == ["a.json", "b.json"]


def test_the_same_files_under_another_name_are_another_package(registry):
    """The manifest names its model: evidence about one is not evidence about the other."""
    assert registry.register("delay").package != registry.register("other").package


def test_a_version_says_who_registered_it_when_and_why(registry):
    first, second = (
        registry.register(data=b"a"),
        registry.register(data=b"bb", reason="degradation", note="it was late"),
    )
    assert (first.reason, second.reason) == ("first", "degradation")
    assert (second.note, second.registered_by, second.size_bytes) == ("it was late", "owner", 2)
    assert registry.register(data=b"c").reason == "new_data"


def test_a_registration_is_in_the_ledger_and_a_repetition_is_not(registry):
    version = registry.register()
    registry.register()
    (entry,) = registry.ws.ledger.list(kind="models.version_registered").items
    assert (entry.envelope.body["version"], entry.envelope.body["package"]) == (1, version.package)


def test_writers_at_once_get_numbers_without_gaps_and_no_number_twice(registry, guard):
    """Two open homes on one folder, eight threads: as processes would."""
    with closing(Platform(registry.platform.home)) as second:
        doors = [registry, Registry(second, guard)]
        with ThreadPoolExecutor(8) as threads:
            made = list(threads.map(lambda n: doors[n % 2].register(data=b"%d" % n).version, range(24)))
    assert sorted(made) == list(range(1, 25))
    assert registry.ws.ledger.verify().intact


def test_writers_of_one_package_at_once_make_one_version(registry, guard):
    with closing(Platform(registry.platform.home)) as second:
        doors = [registry, Registry(second, guard)]
        with ThreadPoolExecutor(8) as threads:
            made = list(threads.map(lambda n: doors[n % 2].register().version, range(16)))
    assert made == [1] * 16
    assert registry.state == (1, 0, 1)


def test_bytes_that_were_not_sent_are_not_registered(registry):
    missing = replace(registry.file(), digest="0" * 64)
    with pytest.raises(Invalid, match=r"bytes of lookup.json .* are not there"):
        registry.register("delay", missing)
    assert registry.state == (0, 0, 0)


@pytest.mark.parametrize("size", [0, 1, 3, -2])
def test_bytes_of_another_size_than_said_are_not_registered(registry, size):
    with pytest.raises(Invalid, match="are not there"):
        registry.register("delay", replace(registry.file(data=b"{}"), size=size))
    assert registry.state == (0, 0, 0)


def test_a_package_has_files_and_none_of_them_twice(registry):
    file = registry.file()
    with pytest.raises(Invalid, match="1 to 1,000 files"):
        registry.models.register("delay", "lookup", "regression", INPUTS, ())
    with pytest.raises(Invalid, match="with different names"):
        registry.register("delay", file, file)


@pytest.mark.parametrize(
    "path",
    [
        "../x",
        "a/../x",
        "/x",
        "a//b",
        ".hidden",
        "a/.hidden",
        "",
        "a/",
        "a\\b",
        "x\n",
        "a\x00b",
        "~/x",
        "é",
        "a/b/c/d/e/f",
    ],
)
@pytest.mark.parametrize("door", ["struct", "data"])
def test_a_path_that_is_not_plain_is_refused(registry, path, door):
    """Whether it comes over the wire or from a script that made the Struct itself."""
    file = replace(registry.file(), path=path)
    given_ = file if door == "struct" else {"path": path, "digest": file.digest, "size": file.size}
    with pytest.raises(Invalid, match="a relative path of plain names"):
        registry.register("delay", given_)
    assert registry.state == (0, 0, 0)


@given(st.text(max_size=30))
def test_a_path_that_is_taken_stays_inside_whatever_it_is_joined_to(path):
    try:
        taken = wire.convert(path, PackagePath)
    except Invalid:
        return
    parts = taken.split("/")
    assert all(part and not part.startswith(".") for part in parts)
    assert "\\" not in taken


@pytest.mark.parametrize("name", ["", ".x", "a/b", "a b", "x" * 129, "naïve", "a@1", "x\n"])
def test_a_name_that_is_not_plain_is_refused(registry, name):
    with pytest.raises(Invalid, match="a name"):
        registry.register(name)


def test_a_note_has_a_bound(registry):
    assert registry.register(note="x" * 10_000).version == 1
    with pytest.raises(Invalid, match=r"10001 characters"):
        registry.register(data=b"b", note="x" * 10_001)


def test_the_manifest_says_what_the_run_had_read(registry):
    runs = registry.ws.runs
    source = registry.platform.blobs.put(b"snapshot").digest
    run = runs.start("train", capture={"source": source})
    read = Pinned(ref="flights@1", digest="a" * 64)
    runs.read_dataset(run.id, read)
    manifest = registry.register(run_id=run.id).manifest
    assert (manifest.run_id, manifest.source, manifest.data) == (run.id, source, (read,))


def test_a_run_that_is_not_there_makes_no_version(registry):
    with pytest.raises(NotFound, match="There is no run"):
        registry.register(run_id="0" * 32)
    assert registry.state == (0, 0, 0)


def test_the_digest_is_that_of_the_manifest_and_the_home_signed_it(registry):
    version = registry.register()
    package = registry.models.package(version.ref)
    payload = opened(package.signed, bytes.fromhex(registry.models.signer()), MANIFEST_TYPE)
    assert wire.sha256(payload) == version.package == package.digest
    assert wire.decode(payload, Manifest) == version.manifest == package.manifest
    assert wire.canonical(version.manifest) == payload

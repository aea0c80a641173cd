import hashlib

import pytest

from modelwright.core.errors import KINDS, Corrupted, Error, Unavailable
from modelwright.server.answers import STATUS, status_of, stopped


def _put(asker, content: bytes, digest: str | None = None, **extra):
    digest = digest or hashlib.sha256(content).hexdigest()
    headers = {"content-type": "application/octet-stream"}
    return asker.ask("PUT", f"/api/v1/blobs/{digest}", headers=headers, body=[content], **extra)


def test_an_operation_answers_json(asker):
    answer = asker.post("runs.start", {"name": "fraud"})
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json["name"] == "fraud"
    assert asker.post("runs.get", {"run_id": answer.json["id"]}).json == answer.json


def test_a_command_sent_again_under_its_key_is_not_done_again(asker):
    first = asker.post("runs.start", {"name": "once"}, idempotency_key="k-1")
    again = asker.post("runs.start", {"name": "once"}, idempotency_key="k-1")
    assert first.json == again.json
    other = asker.post("runs.start", {"name": "twice"}, idempotency_key="k-1")
    assert (other.status, other.error["kind"]) == (409, "conflict")


def test_an_error_says_what_why_where_and_under_which_request(asker):
    answer = asker.post("runs.start", {"name": "not a name!"}, x_request_id="from-the-client")
    assert answer.status == 400
    assert answer.error["kind"] == "invalid"
    assert "name" in answer.error["fields"]
    assert answer.error["request_id"] == answer.headers["x-request-id"] == "from-the-client"


def test_unknown_fields_are_refused(asker):
    answer = asker.post("runs.start", {"name": "fraud", "started_by": "somebody else"})
    assert (answer.status, answer.error["fields"]) == (
        400,
        {"started_by": "Object contains unknown field `started_by`"},
    )


def test_what_is_not_there_is_404_with_a_remedy(asker):
    assert asker.post("runs.get", {"run_id": "0" * 32}).error["remedy"]
    for path in (
        "/nowhere",
        "/api/v1/",
        "/api/v1/runs",
        "/api/v1/runs.start/",
        "/api//v1/runs.list",
        "/API/v1/runs.list",
    ):
        answer = asker.ask("POST", path, headers={"content-type": "application/json"}, body=[b"{}"])
        assert (answer.status, answer.error["kind"]) == (404, "not_found"), path


def test_a_wrong_method_hears_which_is_right(asker):
    answer = asker.ask("GET", "/api/v1/runs.start")
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
    answer = asker.ask("POST", "/health", headers={"content-type": "application/json"}, body=[b"{}"])
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    "media",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "application/jsonp"],
)
def test_only_json_is_taken(asker, media):
    answer = asker.ask("POST", "/api/v1/runs.list", headers={"content-type": media}, body=[b"{}"])
    assert answer.status == 415
    answer = asker.ask(
        "POST", "/api/v1/runs.list", headers={"content-type": "application/json; charset=utf-8"}, body=[b"{}"]
    )
    assert answer.status == 200


def test_bytes_go_up_ahead_and_come_down_as_an_attachment(asker):
    content = b"<script>alert(1)</script>" * 50_000
    digest = hashlib.sha256(content).hexdigest()
    assert asker.ask("HEAD", f"/api/v1/blobs/{digest}").status == 404
    assert _put(asker, content).json == {"digest": digest, "size": len(content)}
    assert asker.ask("HEAD", f"/api/v1/blobs/{digest}").status == 200

    run_id = asker.post("runs.start", {"name": "r"}).json["id"]
    kept = {"run_id": run_id, "path": "page one.html", "content": {"digest": digest, "size": len(content)}}
    assert asker.post("runs.keep", kept).status == 200
    asked = {"run_id": run_id, "path": "page one.html"}
    assert asker.post("runs.artifact", asked).json["filename"] == "page one.html"
    answer = asker.post("runs.artifact", asked, accept="application/octet-stream")
    assert answer.body == content
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == 'attachment; filename="page one.html"'
    assert "sandbox" in answer.headers["content-security-policy"]


def test_bytes_that_are_not_what_their_address_says_are_not_stored(asker, platform):
    before = set(platform.blobs.digests())
    answer = _put(asker, b"something", digest="0" * 64)
    assert (answer.status, answer.error["kind"]) == (400, "invalid")
    assert set(platform.blobs.digests()) == before
    assert not list((platform.home.blobs / "incoming").iterdir())


def _begun(asker, digest):
    answer = asker.ask("HEAD", f"/api/v1/blobs/{digest}")
    return answer.status, answer.headers.get("modelwright-offset")


def test_an_upload_that_was_cut_goes_on_where_the_server_says(asker, platform):
    content = b"0123456789" * 300_000
    digest = hashlib.sha256(content).hexdigest()
    path = f"/api/v1/blobs/{digest}"

    def send(start, *pieces, **extra):
        headers = {"content-type": "application/octet-stream", "modelwright-offset": start}
        return asker.ask("PUT", path, headers=headers, body=pieces, **extra)

    assert _begun(asker, digest) == (404, "0")
    assert send("0", content[:1_500_000], cut=True).status == 0
    assert _begun(asker, digest) == (404, "1500000")
    assert send("1500001", content[1_500_001:]).status == 409
    for start in ("-1", "x", "1.5", "9" * 20, ""):
        assert (send(start, b"").status, start) == (400, start)
    assert send("1500000", content[1_500_000:]).json == {"digest": digest, "size": len(content)}
    assert _begun(asker, digest) == (200, None)
    assert platform.blobs.read(digest) == content
    assert not list((platform.home.blobs / "incoming").iterdir())


def test_bytes_come_down_from_where_it_was_asked(asker):
    content = b"0123456789" * 300_000
    digest = _put(asker, content).json["digest"]
    run_id = asker.post("runs.start", {"name": "r"}).json["id"]
    asker.post("runs.keep", {"run_id": run_id, "path": "f", "content": {"digest": digest, "size": len(content)}})
    asked = {"run_id": run_id, "path": "f"}
    for start in (0, 1, 2_000_000, len(content)):
        answer = asker.post("runs.artifact", asked, accept="application/octet-stream", modelwright_offset=str(start))
        assert (answer.status, answer.body) == (200, content[start:])
        assert answer.headers["modelwright-offset"] == str(start)
        assert answer.headers["content-length"] == str(len(content) - start)
        assert answer.headers["etag"] == f'"{digest}"'
    for wrong in (str(len(content) + 1), "-1", "x"):
        answer = asker.post("runs.artifact", asked, accept="application/octet-stream", modelwright_offset=wrong)
        assert (answer.status, answer.error["kind"]) == (400, "invalid")


def test_damaged_bytes_are_an_error_before_the_first_byte_goes_out(asker, platform):
    content = b"will be damaged"
    digest = _put(asker, content).json["digest"]
    run_id = asker.post("runs.start", {"name": "r"}).json["id"]
    asker.post("runs.keep", {"run_id": run_id, "path": "f", "content": {"digest": digest, "size": len(content)}})
    path = platform.home.blobs / digest[:2] / digest[2:]
    path.chmod(0o600)
    path.write_bytes(b"WILL be damaged")
    answer = asker.post("runs.artifact", {"run_id": run_id, "path": "f"}, accept="application/octet-stream")
    assert (answer.status, answer.error["kind"]) == (500, "corrupted")


def test_every_kind_of_error_has_a_status():
    assert {kind for kind in STATUS if kind is not Error} == set(KINDS.values())


def test_a_full_disk_is_507_and_a_busy_server_503_and_both_may_be_tried_again():
    full = Unavailable("The disk is full.")
    full.__cause__ = OSError(28, "No space left on device")
    assert stopped(full).headers == {"retry-after": "1"}
    assert (status_of(full), status_of(Unavailable("busy")), status_of(Corrupted("rotten"))) == (507, 503, 500)


def test_health_reads_the_database(asker):
    assert asker.ask("GET", "/health").json == {"status": "ok"}
    assert asker.ask("HEAD", "/health").status == 200

import json
import re
from html.parser import HTMLParser


def _document(asker):
    return asker.ask("GET", "/api/v1/openapi.json").json


def test_every_operation_is_in_the_document(asker, platform):
    paths = _document(asker)["paths"]
    assert {f"/api/v1/{operation.name}" for operation in platform.table} <= set(paths)
    for operation in platform.table:
        post = paths[f"/api/v1/{operation.name}"]["post"]
        assert post["x-permission"] == operation.permission
        assert ("parameters" in post) == (operation.kind == "command" and not operation.idempotent)


def test_every_reference_in_the_document_leads_somewhere(asker):
    document = _document(asker)
    references = set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document)))
    assert references
    for reference in references:
        place = document
        for part in reference.split("/"):
            place = place[part]


def test_requests_forbid_what_they_do_not_know(asker):
    schemas = _document(asker)["components"]["schemas"]
    requests = [schema for name, schema in schemas.items() if name.endswith("Request")]
    assert requests
    assert all(schema["additionalProperties"] is False for schema in requests)


def test_the_reference_names_every_operation_and_runs_nothing(asker, platform):
    answer = asker.ask("GET", "/api")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    tags, ids = [], []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            tags.append(tag)
            ids.extend(value for name, value in attrs if name == "id")
            assert not [name for name, _ in attrs if name.startswith("on") or name == "style"]

    Reader().feed(answer.body.decode())
    assert not {"script", "style", "link", "iframe"} & set(tags)
    assert {operation.name for operation in platform.table} <= set(ids)

"""Schemathesis reads our OpenAPI document and sends what fits it, and what nearly does: no 5xx, no undeclared answer."""

import json
import os
import re
import subprocess
from contextlib import closing

import httpx
import pytest

from modelwright.app.services import operation_table
from support.homes import fresh_platform, live
from support.people import APPROVALS, PEOPLE, TOKEN, WORKING, a_signer, begin_login
from support.story import told
from support.twins import Alone

pytestmark = pytest.mark.slow

UNFIT = "positive_data_acceptance"
"""The one check that is left out: a reference may fit its form and name nothing, which is answered with 400."""

CAREFUL = (
    "--phases=coverage,fuzzing",
    "--max-examples=3",
    "--seed=29",
    "--no-shrink",
    "--warnings=off",
    "--request-timeout=30",
    f"--exclude-checks={UNFIT}",
)

_ANYTHING = {"type": ["number", "string", "boolean", "null", "array"]}
_COLUMNS = {"enum": ["distance", "hour", "carrier", "night", "tail"]}
_ROW = {"type": "object", "propertyNames": _COLUMNS, "additionalProperties": _ANYTHING}
_ROWS = {"type": "array", "items": {"type": "array", "items": _ANYTHING}}
_TENSOR = {
    "type": "object",
    "required": ["name", "shape", "datatype"],
    "properties": {
        "name": _COLUMNS,
        "shape": {"type": "array", "items": {"type": "integer"}},
        "datatype": {"enum": ["BOOL", "INT64", "UINT8", "FP32", "FP64", "BYTES", "FP16"]},
        "parameters": {"type": "object", "properties": {"binary_data_size": {"type": "integer"}}},
        "data": {"type": "array", "items": _ANYTHING},
    },
}
_INFER = {
    "type": "object",
    "required": ["inputs"],
    "properties": {
        "id": {"type": "string"},
        "inputs": {"type": "array", "items": _TENSOR},
        "outputs": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}},
        "parameters": {"type": "object", "properties": {"prediction_ids": {"type": "array", "items": _ANYTHING}}},
    },
}
_INVOKE = {
    "anyOf": [
        {
            "type": "object",
            "required": ["dataframe_split"],
            "properties": {
                "dataframe_split": {
                    "type": "object",
                    "properties": {"columns": {"type": "array", "items": _COLUMNS}, "data": _ROWS},
                },
                "params": {"type": "object"},
            },
        },
        {"type": "object", "properties": {"dataframe_records": {"type": "array", "items": _ROW}}},
        {"type": "object", "properties": {"instances": {"type": "array", "items": _ROW}}},
        {"type": "object", "properties": {"inputs": {"type": "object", "additionalProperties": _ROWS}}},
    ]
}


def _asked(method, body=None):
    content = {"requestBody": {"required": True, "content": {"application/json": {"schema": body}}}} if body else {}
    return {method: {**content, "responses": {"default": {"description": "Whatever it is."}}}}


_NAME = {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}
ENDPOINTS = {
    "openapi": "3.1.0",
    "info": {"title": "The port of the endpoints", "version": "1"},
    "paths": {
        "/invocations": _asked("post", _INVOKE),
        "/endpoints/delays/invocations": _asked("post", _INVOKE),
        "/v2/models/delays/infer": _asked("post", _INFER),
        "/v2/models/{name}/infer": {"parameters": [_NAME], **_asked("post", _INFER)},
        "/v2/models/delays/versions/{name}": {"parameters": [_NAME], **_asked("get")},
        "/v2/models/{name}/ready": {"parameters": [_NAME], **_asked("get")},
    },
}
"""What the port of the endpoints takes; the documents of both protocols say it in words."""


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """A server over a home in which much has happened."""
    with closing(fresh_platform(tmp_path_factory.mktemp("home"))) as platform:
        told(Alone(platform))
        told(Alone(platform, begin_login(platform, *WORKING)), PEOPLE)
        told(Alone(platform, a_signer(platform)), APPROVALS)
        with live(platform) as address:
            yield address


def ran(environment, folder, *arguments):
    """What it says of a server."""
    done = subprocess.run(
        [environment.parent / "schemathesis", "run", *CAREFUL, *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
        env={**{name: value for name, value in os.environ.items() if name != "PYTHONPATH"}, "NO_PROXY": "*"},
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_no_operation_answers_with_a_5xx_or_with_what_the_document_does_not_declare(environment, url, tmp_path):
    said = ran(environment, tmp_path, f"{url}/api/v1/openapi.json", f"--header=Authorization: Bearer {TOKEN}")
    tested, selected = (int(re.search(rf"{word}: +(\d+)", said)[1]) for word in ("Tested", "Selected"))
    assert tested == selected > len(list(operation_table()))
    me = httpx.post(f"{url}/api/v1/users.me", json={}, headers={"authorization": f"Bearer {TOKEN}"})
    assert me.status_code == 200, "it has shut itself out, so most of it was refused unread"


def test_no_request_to_an_endpoint_is_answered_with_a_5xx(environment, served, tmp_path):
    (tmp_path / "endpoints.json").write_text(json.dumps(ENDPOINTS))
    said = ran(environment, tmp_path, "endpoints.json", f"--url={served.url}", "--checks=not_a_server_error")
    assert re.search(rf"Tested: +{len(ENDPOINTS['paths'])}", said)

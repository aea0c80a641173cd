"""The formats of frames, and where they stand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

import modelwright.predictions as room
from modelwright.core.errors import Corrupted, Invalid
from modelwright.predictions.layout import segment_folder
from modelwright.predictions.model import (
    Kind,
    LabelBatch,
    PredictionBatch,
    decode_labels,
    decode_predictions,
    encode,
)

PREDICTION_V1 = bytes.fromhex(
    "8ca8656e64706f696e74a664656c617973a56d6f64656cac666c696768742d64656c6179a776657273696f6e02a77061636b616765d940"
    + "30" * 64
    + "aa67656e65726174696f6e03ab72656365697665645f6174cf0004d22ef0704000aa6c6174656e63795f7573cd02bca369647391d920"
    + "61" * 32
    + "a86576656e745f617491cf0004d22ef0704001a6696e7075747381a864697374616e636591cb4067600000000000a76f757470757473"
    "91cb3fe0000000000000a17601"
)
LABEL_V1 = bytes.fromhex(
    "86a8656e64706f696e74a664656c617973a369647391d920" + "61" * 32 + "a676616c75657391cb3ff0000000000000a86b6e6f776e"
    "5f617491cf0004d22ef0704002ab7265636f726465645f6174cf0004d22ef0704003a17601"
)


def prediction() -> PredictionBatch:
    return PredictionBatch(
        endpoint="delays",
        model="flight-delay",
        version=2,
        package="0" * 64,
        generation=3,
        received_at=0x4D22EF0704000,
        latency_us=700,
        ids=["a" * 32],
        event_at=[0x4D22EF0704001],
        inputs={"distance": [187.0]},
        outputs=[0.5],
    )


def label() -> LabelBatch:
    return LabelBatch(
        endpoint="delays",
        ids=["a" * 32],
        values=[1.0],
        known_at=[0x4D22EF0704002],
        recorded_at=0x4D22EF0704003,
    )


def test_records_of_the_first_format_are_read_for_ever() -> None:
    assert decode_predictions(PREDICTION_V1) == prediction()
    assert decode_labels(LABEL_V1) == label()


def test_what_is_encoded_is_decoded() -> None:
    assert decode_predictions(encode(prediction())) == prediction()
    assert decode_labels(encode(label())) == label()


def test_a_record_of_a_later_release_is_not_guessed_at() -> None:
    later = msgspec.msgpack.encode({**msgspec.to_builtins(prediction()), "v": 2})
    with pytest.raises(Corrupted, match="format 2") as caught:
        decode_predictions(later)
    assert "upgrade" in caught.value.remedy


@pytest.mark.parametrize("payload", [b"", b"\xc1", b"\x80", encode(label())[:-1]])
def test_a_payload_that_is_no_batch_is_named(payload: bytes) -> None:
    with pytest.raises(Corrupted):
        decode_labels(payload)


def test_an_integer_beyond_64_bits_is_refused_before_anything_is_written() -> None:
    with pytest.raises(Invalid, match="cannot keep an input"):
        encode(msgspec.structs.replace(prediction(), inputs={"distance": [2**64]}))


def test_a_batch_has_as_many_values_as_ids() -> None:
    with pytest.raises(ValueError, match="1 ids and 2 values of distance"):
        msgspec.structs.replace(prediction(), inputs={"distance": [1.0, 2.0]})
    with pytest.raises(ValueError, match="0 outputs"):
        msgspec.structs.replace(prediction(), outputs=[])
    with pytest.raises(ValueError, match="2 values"):
        msgspec.structs.replace(label(), values=[1.0, 0.0])


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "/etc", "@default", "a\n", "a\x00b", "..\\x", "é"])
def test_no_endpoint_and_no_project_leads_out_of_the_log(name: str) -> None:
    with pytest.raises(Invalid):
        segment_folder(Path("log"), name, Kind.LABELS)
    with pytest.raises(Invalid):
        segment_folder(Path("log"), "delays", Kind.LABELS, project=name)


def test_the_layout_is_the_one_that_is_documented() -> None:
    assert segment_folder(Path("log"), "delays", Kind.PREDICTIONS) == Path("log/delays/predictions")
    assert segment_folder(Path("log"), "delays", Kind.LABELS, project="b") == Path("log/@b/delays/labels")


def test_every_name_of_the_room_resolves() -> None:
    assert all(hasattr(room, name) for name in room.__all__)


@pytest.mark.parametrize("module", ["service", "model", "segments", "labels"])
def test_a_remote_client_and_a_worker_load_nothing_heavy(module: str) -> None:
    code = (
        f"import sys, modelwright.predictions.{module}; "
        "print([m for m in ('numpy', 'pyarrow', 'sqlalchemy', 'duckdb') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"

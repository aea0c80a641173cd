"""What two versions said of the same requests."""

from datetime import UTC, datetime, timedelta

import pytest

from modelwright.predictions.layout import segment_folder
from modelwright.predictions.log import WITH_SHADOWS, PredictionLog
from modelwright.predictions.model import Kind, LabelBatch, PredictionBatch, encode, microseconds
from modelwright.predictions.pairs import Pairing, paired, watermark
from modelwright.predictions.segments import SegmentWriter
from modelwright.store.adapters.duckdb_frames import DuckdbFrames
from modelwright.store.adapters.local_blobs import LocalBlobs
from modelwright.store.adapters.sqlite import SqliteRecords
from modelwright.store.tables import control

START = datetime(2026, 1, 1, tzinfo=UTC)
EVENTS = datetime(2013, 1, 1, tzinfo=UTC)
ANSWERING, CHALLENGER, OTHER = "a" * 64, "b" * 64, "c" * 64
WHOSE = Pairing(ANSWERING, CHALLENGER, START)


class Log:
    """An endpoint's log that is written by hand."""

    def __init__(self, folder):
        self.folder = folder / "log"
        self.records = SqliteRecords(folder / "control.db", control)
        self.records.prepare()
        self.log = PredictionLog(self.folder, self.records, DuckdbFrames(LocalBlobs(folder / "blobs")))

    def says(self, kind, package, *answers, after=0):
        """Id and output of each, asked so many minutes after the start."""
        batch = PredictionBatch(
            endpoint="e",
            model="m",
            version=1,
            package=package,
            generation=1,
            received_at=microseconds(START + timedelta(minutes=after)),
            latency_us=1000 + after,
            ids=[f"{number:032x}" for number, _ in answers],
            event_at=[microseconds(EVENTS + timedelta(hours=number)) for number, _ in answers],
            inputs={},
            outputs=[output for _, output in answers],
        )
        self.write(kind, batch)

    def write(self, kind, batch):
        with SegmentWriter(segment_folder(self.folder, "e", kind), "w") as writer:
            writer.append(encode(batch))

    def paired(self, *, as_of=None):
        view = self.log.view("default", "e", kinds=WITH_SHADOWS)
        rows = paired(view, WHOSE, as_of=as_of).to_pylist()
        return [(int(row["prediction_id"], 16), row["answering"], row["challenger"], row["label"]) for row in rows]

    def watermark(self):
        return watermark(self.log.view("default", "e"))


@pytest.fixture
def log(tmp_path):
    one = Log(tmp_path)
    yield one
    one.records.close()


def test_both_stand_beside_each_other_by_event_time(log):
    log.says(Kind.PREDICTIONS, ANSWERING, (2, 0.2), (1, 0.1), (3, 0.3))
    log.says(Kind.SHADOWS, CHALLENGER, (1, 0.5), (2, float("nan")))
    first, second, third = log.paired()
    assert (first, third) == ((1, 0.1, 0.5, None), (3, 0.3, None, None))
    assert second[2] != second[2], "what could not be scored is no number, and not missing"


def test_others_and_earlier_requests_are_left_out(log):
    log.says(Kind.PREDICTIONS, ANSWERING, (1, 0.1), after=-1)
    log.says(Kind.PREDICTIONS, OTHER, (2, 0.2))
    log.says(Kind.PREDICTIONS, ANSWERING, (3, 0.3))
    log.says(Kind.SHADOWS, OTHER, (3, 0.9))
    assert log.paired() == [(3, 0.3, None, None)]


def test_a_request_that_was_repeated_counts_once_on_either_side(log):
    for after, output in ((1, 0.1), (2, 0.7)):
        log.says(Kind.PREDICTIONS, ANSWERING, (1, output), after=after)
        log.says(Kind.SHADOWS, CHALLENGER, (1, output + 0.2), after=after)
    assert log.paired() == [(1, 0.1, pytest.approx(0.3), None)]


def test_labels_are_those_of_the_moment(log):
    log.says(Kind.PREDICTIONS, ANSWERING, (1, 0.1))
    labels = {"endpoint": "e", "ids": [f"{1:032x}"], "values": [1.0], "recorded_at": 0}
    log.write(Kind.LABELS, LabelBatch(**labels, known_at=[microseconds(EVENTS + timedelta(days=2))]))
    assert log.paired(as_of=EVENTS + timedelta(days=1)) == [(1, 0.1, None, None)]
    assert log.paired(as_of=EVENTS + timedelta(days=2)) == [(1, 0.1, None, 1.0)]


def test_the_watermark_is_the_newest_event_that_was_answered(log):
    assert log.watermark() is None
    log.says(Kind.PREDICTIONS, ANSWERING, (5, 0.1), (3, 0.1))
    log.says(Kind.SHADOWS, CHALLENGER, (9, 0.1))
    assert log.watermark() == EVENTS + timedelta(hours=5)

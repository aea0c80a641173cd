"""What was predicted, and what turned out to be true."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

from modelwright.core.errors import Corrupted, Invalid
from modelwright.core.ids import Digest, Id, Name
from modelwright.core.shown import Shown
from modelwright.core.wire import Real
from modelwright.stats.model import Interval

T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Kind(StrEnum):
    """The kinds of segments and parts.

    Shadows are what a challenger said of requests that another version answered: frames like those of predictions,
    under the same ids. An output that is no finite number stands for a row that the challenger could not score.

    Refusals are rows that a guard did not let the model answer: the same frames, whose outputs are NaN and whose guards
    say which situation it was. They are no predictions, and nobody who asks for those reads them.
    """

    PREDICTIONS = "predictions"
    LABELS = "labels"
    SHADOWS = "shadows"
    REFUSALS = "refusals"


def microseconds(moment: datetime) -> int:
    """An aware time as microseconds since 1970, which is how the log keeps times.

    Example:
        >>> microseconds(datetime(2013, 1, 1, tzinfo=UTC))
        1356998400000000
    """
    return (moment - _EPOCH) // timedelta(microseconds=1)


class PredictionBatch(Struct, frozen=True, kw_only=True):
    """The answers to one request: one frame of a prediction segment. Every list has one entry per row.

    Attributes:
        endpoint: Who answered.
        model: Name of the model that answered.
        version: Its version.
        package: Digest of that version's package.
        generation: The routing table's generation that chose it.
        received_at: When the request came, in microseconds since 1970, wall clock.
        latency_us: From then to the answer, in microseconds.
        ids: The predictions' ids, each an ``Id``. A client that retries gives the same ones.
        event_at: When what is predicted about happened, in microseconds since 1970, by the caller.
        inputs: Column name -> values as the model saw them.
        outputs: What was answered: for a classifier, the probability of the positive class.
        guards: What guards did with each row, ``risk:act`` with commas between; left out where they did nothing.
        said: What the model itself said of rows that a guard answered in its place, none of the others; left out where
            there is no such row.
        v: Version of this format.
    """

    endpoint: Name
    model: Name
    version: int
    package: Digest
    generation: int
    received_at: int
    latency_us: int
    ids: list[str]
    event_at: list[int]
    inputs: dict[str, list[Any]]
    outputs: list[float]
    guards: list[str] | UnsetType = UNSET
    said: list[float | None] | UnsetType = UNSET
    v: Literal[1] = 1

    def __post_init__(self) -> None:
        count = len(self.ids)
        if self.guards is not UNSET and len(self.guards) != count:
            raise ValueError(f"{count} ids and {len(self.guards)} marks of guards")
        if self.said is not UNSET and len(self.said) != count:
            raise ValueError(f"{count} ids and {len(self.said)} values that the model said")
        if len(self.outputs) != count or len(self.event_at) != count:
            raise ValueError(f"{count} ids, {len(self.event_at)} times and {len(self.outputs)} outputs")
        for name, values in self.inputs.items():
            if len(values) != count:
                raise ValueError(f"{count} ids and {len(values)} values of {name}")


class LabelBatch(Struct, frozen=True, kw_only=True):
    """What became known of some predictions: one frame of a label segment. Every list has one entry per label.

    Attributes:
        endpoint: Who had answered.
        ids: The predictions' ids, each an ``Id``.
        values: What turned out: for a classifier 1.0 or 0.0.
        known_at: When each value became known, in microseconds since 1970, by the caller.
        recorded_at: When they were given, in microseconds since 1970, wall clock.
        v: Version of this format.
    """

    endpoint: Name
    ids: list[str]
    values: list[float]
    known_at: list[int]
    recorded_at: int
    v: Literal[1] = 1

    def __post_init__(self) -> None:
        count = len(self.ids)
        if len(self.values) != count or len(self.known_at) != count:
            raise ValueError(f"{count} ids, {len(self.values)} values and {len(self.known_at)} times")


class _Version(Struct):
    v: int = 0


_ENCODER = msgspec.msgpack.Encoder()
_PREDICTIONS: Mapping[int, Callable[[bytes], PredictionBatch]] = {1: msgspec.msgpack.Decoder(PredictionBatch).decode}
_LABELS: Mapping[int, Callable[[bytes], LabelBatch]] = {1: msgspec.msgpack.Decoder(LabelBatch).decode}
_NEWEST = 1


def encode(batch: PredictionBatch | LabelBatch) -> bytes:
    """The payload of a batch's frame.

    Raises:
        Invalid: An input is an integer beyond 64 bits, which no contract allows.
    """
    try:
        return _ENCODER.encode(batch)
    except OverflowError as error:
        raise Invalid(f"The log cannot keep an input: {error}.", remedy="Send it as a float.") from error


def decode_predictions(payload: bytes) -> PredictionBatch:
    """The batch in a frame of a prediction segment, of any version of the format.

    Raises:
        Corrupted: It is none, or a later release wrote it.
    """
    return _decoded(payload, _PREDICTIONS)


def decode_labels(payload: bytes) -> LabelBatch:
    """The batch in a frame of a label segment; otherwise as ``decode_predictions``."""
    return _decoded(payload, _LABELS)


def _decoded(payload: bytes, decoders: Mapping[int, Callable[[bytes], T]]) -> T:
    try:
        return decoders[_NEWEST](payload)
    except msgspec.DecodeError as error:
        version = _version(payload)
        if version != _NEWEST and version in decoders:
            return decoders[version](payload)
        raise Corrupted(
            f"A record of format {version} cannot be read: {error}.",
            remedy="" if version in decoders else "A later release wrote it: upgrade modelwright.",
        ) from error


def _version(payload: bytes) -> int:
    try:
        return msgspec.msgpack.decode(payload, type=_Version).v
    except msgspec.DecodeError:
        return 0


class Prediction(Shown, frozen=True, kw_only=True):
    """One answer, with what is known of it today.

    Attributes:
        id: The prediction's id.
        endpoint: Who answered.
        model: Name of the model that answered.
        version: Its version.
        package: Digest of that version's package.
        event_at: When what is predicted about happened, by the caller.
        received_at: When the request came.
        latency_ms: From then to the answer, in milliseconds.
        inputs: Column name -> value; a missing value's name is left out.
        output: What was answered.
        guards: What guards did, ``risk:act`` each.
        said: What the model itself said, where a guard answered in its place.
        label: What turned out, if it is known.
        label_known_at: When that became known.
    """

    id: Id
    endpoint: Name
    model: Name
    version: int
    package: Digest
    event_at: datetime
    received_at: datetime
    latency_ms: float
    inputs: dict[str, Any]
    output: Real
    guards: tuple[str, ...] = ()
    said: Real | None = None
    label: Real | None = None
    label_known_at: datetime | None = None


class Counts(Shown, frozen=True, kw_only=True):
    """How many predictions an endpoint has answered, and where they are kept.

    Attributes:
        endpoint: The endpoint.
        answered: Predictions, each id once: ``in_parquet + in_segments``.
        in_parquet: Those that have been shipped.
        in_segments: Those that have not been yet.
        duplicates: Records beyond the first of an id, as a client's retry makes them.
        labelled: Predictions whose outcome is known.
        labels_without_prediction: Labelled ids that were never answered.
        by_version: ``model@version`` -> predictions.
        refused: Risk -> rows that its guard did not let the model answer; they are no predictions.
    """

    endpoint: Name
    answered: int
    in_parquet: int
    in_segments: int
    duplicates: int
    labelled: int
    labels_without_prediction: int
    by_version: dict[str, int]
    refused: dict[str, int] = {}


class PeriodScore(Struct, frozen=True, kw_only=True):
    """How well one model version predicted the events of one month.

    Attributes:
        model: The model.
        version: Its version.
        period_start: The first moment of the month, UTC.
        n: Its predictions.
        labelled: Those whose outcome is known.
        interval: The metric that was asked for, with the interval that suits it.
        reason: Why there is no interval; empty when there is one.
    """

    model: Name
    version: int
    period_start: datetime
    n: int
    labelled: int
    interval: Interval | None
    reason: str = ""


class Traffic(Struct, frozen=True, kw_only=True):
    """What one model version answered in one hour of the wall clock.

    Attributes:
        period: The hour's first moment, UTC.
        model: The model.
        version: Its version.
        requests: Requests answered.
        rows: Predictions in them.
        latency_p50_ms: Median time per request, in milliseconds.
        latency_p99_ms: 99th percentile of the same.
    """

    period: datetime
    model: Name
    version: int
    requests: int
    rows: int
    latency_p50_ms: float
    latency_p99_ms: float


class LabelsAdded(Struct, frozen=True, kw_only=True):
    """Labels that are now kept.

    Attributes:
        endpoint: Who had answered.
        added: Their number.
    """

    endpoint: Name
    added: int


class Shipped(Struct, frozen=True, kw_only=True):
    """What one pass of the shipper did.

    Attributes:
        parts: Parquet parts written.
        rows: Rows in them.
        duplicates: Rows left out because their id was there already.
        segments: Segments now in Parquet.
        damaged: What is wrong with each segment that could not be read, and still stands where it was.
    """

    parts: int = 0
    rows: int = 0
    duplicates: int = 0
    segments: int = 0
    damaged: tuple[str, ...] = ()

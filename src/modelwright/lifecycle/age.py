"""Age against quality: what an endpoint's first version would have answered until today, beside what was answered."""

from __future__ import annotations

import io
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from msgspec.structs import replace

from modelwright.core.errors import Invalid, first_line
from modelwright.core.operation import Upload
from modelwright.lifecycle.model import Age, AgePoint
from modelwright.models.model import ModelVersion
from modelwright.serving.model import Deployment

if TYPE_CHECKING:
    import pyarrow as pa

SCORE, ID = "score", "prediction_id"
INPUT = "input."


class Faces(Protocol):
    """The faces that measuring age needs: a workspace."""

    @property
    def endpoints(self) -> Any:
        """What answers."""
        ...

    @property
    def predictions(self) -> Any:
        """What was answered."""
        ...

    @property
    def models(self) -> Any:
        """Versions and their packages."""
        ...

    @property
    def lifecycle(self) -> Any:
        """What spans rooms."""
        ...


def measure_age(workspace: Faces, endpoint: str) -> Age:
    """Let an endpoint's first version score everything that later versions answered, and have the two compared.

    Args:
        workspace: Where the endpoint is deployed.
        endpoint: Its name.

    Raises:
        NotFound: There is no such endpoint.
        Invalid: The log lacks an input that the first version takes.
        Corrupted: A byte of the first version's package is not what was recorded.
    """
    first = _first(workspace, endpoint)
    version: ModelVersion = workspace.models.get(f"{first.model}@{first.version}")
    table = workspace.predictions.table(endpoint)
    sent: Upload = workspace.predictions.send(_written(table[ID], _scores(workspace, version, table)))
    measured: Age = workspace.lifecycle.compare_ages(endpoint, version.ref, sent)
    return measured


def _first(workspace: Faces, endpoint: str) -> Deployment:
    page = workspace.endpoints.history(endpoint, limit=1000)
    while page.next is not None:
        page = workspace.endpoints.history(endpoint, limit=1000, after=page.next)
    oldest: Deployment = page.items[-1]
    return oldest


def _scores(workspace: Faces, version: ModelVersion, table: pa.Table) -> Any:
    names = version.manifest.inputs.names
    missing = [name for name in names if INPUT + name not in table.column_names]
    if missing:
        raise Invalid(
            f"The log has no input {missing[0]}, which {version.ref} takes.",
            remedy="Age can be measured where later versions take the inputs of the first.",
        )
    return workspace.models.load(version.ref)({name: table[INPUT + name].to_numpy() for name in names})


def _written(ids: pa.ChunkedArray, scores: Any) -> bytes:
    import pyarrow as pa  # weight: 0.3 s
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(pa.table({ID: ids, SCORE: pa.array(scores, pa.float64())}), buffer, compression="zstd")
    return buffer.getvalue()


def compared(logged: pa.Table, sent: bytes) -> tuple[AgePoint, ...]:
    """Both versions on the same rows, by month and answering version.

    Args:
        logged: ``prediction_id, model, version, event_at, output, label``, every label known.
        sent: The first version's scores, as ``measure_age`` sends them.

    Raises:
        Invalid: They are something else, or not of these rows.
    """
    import pyarrow.compute as pc  # weight: 0.3 s

    rows = logged.join(_read(sent), ID, join_type="inner").sort_by(ID)
    if not rows.num_rows:
        raise Invalid("None of the scores is of a logged prediction with a label.", remedy="Wait for labels.")
    rows = rows.append_column("month", pc.strftime(rows["event_at"], "%Y-%m"))
    keys = rows.group_by(["month", "model", "version"]).aggregate([]).to_pylist()
    points = []
    for month, model, version in sorted((key["month"], key["model"], key["version"]) for key in keys):
        same = pc.and_(
            pc.and_(pc.equal(rows["month"], month), pc.equal(rows["model"], model)),
            pc.equal(rows["version"], version),
        )
        start = datetime.fromisoformat(f"{month}-01T00:00:00+00:00")
        points.append(_point(start, f"{model}@{version}", rows.filter(same)))
    return tuple(points)


def _read(data: bytes) -> pa.Table:
    import pyarrow as pa  # weight: 0.3 s
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(io.BytesIO(data))
    except (pa.ArrowException, OSError) as error:
        raise Invalid(f"The scores are no Parquet file: {first_line(error)}") from None
    if table.schema.remove_metadata() != pa.schema({ID: pa.string(), SCORE: pa.float64()}):
        raise Invalid("The scores are not the two columns prediction_id and score.")
    return table


def _point(period_start: datetime, live: str, rows: pa.Table) -> AgePoint:
    import numpy as np  # weight: 0.1 s

    from modelwright.stats.paired import block_difference, block_interval  # weight: numpy and scipy

    label, output, score = (rows[name].to_numpy() for name in ("label", "output", SCORE))
    days = rows["event_at"].to_numpy().astype("datetime64[D]").astype(np.int64)
    point = AgePoint(period_start=period_start, live_version=live, n=rows.num_rows)
    try:
        return replace(
            point,
            live=block_interval("roc_auc", label, output, days),
            frozen=block_interval("roc_auc", label, score, days),
            difference=block_difference("roc_auc", label, output, score, days),
        )
    except Invalid as error:
        return replace(point, reason=error.message)

"""What the answering version and its challenger said of the same requests, and what turned out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from modelwright.core.ids import Digest

if TYPE_CHECKING:  # weight: log reaches SQLAlchemy, pyarrow is 0.3 s
    import pyarrow as pa

    from modelwright.predictions.log import View

# Times are compared before duplicates are sought: only the rollout's part of a long log goes through the windows.
_PAIRED = """
, mine AS (
  SELECT prediction_id, event_at, received_at, position, latency_us, output AS answering FROM written
  WHERE package = $answering AND received_at >= $since
  QUALIFY row_number() OVER (PARTITION BY prediction_id ORDER BY received_at, event_at, version, output) = 1
), theirs AS (
  SELECT prediction_id, position AS shadow_position, latency_us AS shadow_latency_us, output AS challenger FROM (
    SELECT * FROM shadow_parts UNION ALL BY NAME SELECT * FROM shadow_segments
  )
  WHERE package = $challenger AND received_at >= $since
  QUALIFY row_number() OVER (PARTITION BY prediction_id ORDER BY received_at, event_at, version, output) = 1
)
SELECT mine.*, shadow_position, shadow_latency_us, challenger, label
FROM mine LEFT JOIN theirs USING (prediction_id) LEFT JOIN labels USING (prediction_id)
ORDER BY event_at, prediction_id
"""


class Pairing(NamedTuple):
    """Whose answers are laid beside each other.

    Attributes:
        answering: Digest of the answering version's package.
        challenger: Digest of the challenger's.
        since: Requests that came before are left out; wall clock.
    """

    answering: Digest
    challenger: Digest
    since: datetime


def paired(view: View, pairing: Pairing, *, as_of: datetime | None) -> pa.Table:
    """One row for each prediction of the answering version, by ``event_at``.

    Columns: ``prediction_id, event_at, received_at, position, latency_us, answering``, and of the challenger
    ``shadow_position, shadow_latency_us, challenger``, which are null where it has said nothing, and ``label``, null
    where it is not known. A challenger that could not score the row has said NaN.

    Args:
        view: A view ``WITH_SHADOWS``.
        pairing: Whose answers.
        as_of: Labels that became known later are left out; none leaves out nothing.
    """
    return view.query(_PAIRED, pairing._asdict(), as_of=as_of)


def watermark(view: View) -> datetime | None:
    """The newest ``event_at``: what time it is for the endpoint. None before its first prediction."""
    newest = view.query("SELECT max(event_at) AS newest FROM written").column("newest")[0].as_py()
    return None if newest is None else newest.astimezone(UTC)

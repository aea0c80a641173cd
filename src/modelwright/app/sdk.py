"""``mw.run``, ``mw.dataset``, ``mw.predict``: what a training script or a client writes, composed of faces."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from msgspec import Struct

from modelwright.app.connect import Workspace, connect
from modelwright.client.patience import Patience
from modelwright.core import wire
from modelwright.core.clock import as_utc
from modelwright.core.errors import KINDS, Error, Invalid, Unavailable
from modelwright.core.ids import Pinned, new_ids
from modelwright.core.settings import TOKEN
from modelwright.core.shown import Shown

if TYPE_CHECKING:
    import pyarrow as pa

    from modelwright.data.model import DatasetVersion
    from modelwright.features.model import View, ViewVersion
    from modelwright.features.sdk import TrainingSet
    from modelwright.models.model import ModelVersion
    from modelwright.tracking.recorder import ActiveRun

_current: ContextVar[Run | None] = ContextVar("modelwright_run", default=None)


class Run:
    """A run in progress, with the verbs that span rooms. ``mw.run`` makes it.

    Args:
        workspace: Where it is recorded.
        active: The recorder.
    """

    def __init__(self, workspace: Workspace, active: ActiveRun) -> None:
        self.workspace = workspace
        self._active = active
        self.log = active.log
        self.note = active.note
        self.keep = active.keep
        self.read = active.read

    @property
    def id(self) -> str:
        """The run's identifier."""
        return self._active.id

    def __repr__(self) -> str:
        return repr(self._active)

    def add_data(self, name: str, source: Any, **more: Any) -> DatasetVersion:
        """Add a dataset version that this run made.

        Args:
            name: The dataset.
            source: As for ``ws.data.add``.
            more: As for ``ws.data.add``.
        """
        version: DatasetVersion = self.workspace.data.add(name, source, **more)
        self._active.wrote(Pinned(ref=f"{version.name}@{version.version}", digest=version.digest))
        return version

    def training_set(self, view: View | ViewVersion | str, *, spine: str, **more: Any) -> TrainingSet:
        """Ask a feature view of the past, and record what was read.

        Args:
            view: The view.
            spine: The dataset whose rows ask.
            more: As for ``ws.features.training_set``.
        """
        made: TrainingSet = self.workspace.features.training_set(view, spine=spine, run_id=self.id, **more)
        for pinned in made.reads:
            self._active.read(pinned)
        return made

    def save_model(self, model: object, name: str, *, example: Any, **more: Any) -> ModelVersion:
        """Package a fitted model and register it, with this run as its origin.

        Args:
            model: An object that a flavour keeps.
            name: The model to register it under.
            example: Rows it is asked with, best the training rows: the contract is inferred from them.
            more: As for ``ws.models.save``.
        """
        version: ModelVersion = self.workspace.models.save(model, name, example=example, run_id=self.id, **more)
        return version


@contextmanager
def run(
    name: str,
    *,
    workspace: Workspace | None = None,
    seed: int | None = None,
    tags: Mapping[str, Any] | None = None,
    **parameters: Any,
) -> Iterator[Run]:
    """Record what happens inside: commit, uncommitted changes, lock, seeds, data read and cost, by themselves.

    Args:
        name: What the run belongs to.
        workspace: Where to record; by default ``connect()``.
        seed: Set in Python's and NumPy's global generators; by default a fresh one. It is recorded either way.
        tags: Words about the run.
        parameters: What was chosen.
    """
    opened = workspace or connect()
    try:
        with opened.runs.begin(name, parameters, tags=tags, seed=seed) as active:
            token = _current.set(made := Run(opened, active))
            try:
                yield made
            finally:
                _current.reset(token)
    finally:
        if workspace is None:
            opened.close()


class Dataset:
    """A dataset version at hand; its bytes are fetched and verified when they are asked for.

    Args:
        workspace: Where it lies.
        version: The version.
        known_at: Only rows known by then.
    """

    def __init__(self, workspace: Workspace, version: DatasetVersion, known_at: datetime | None) -> None:
        self._workspace = workspace
        self.version = version
        self.known_at = known_at

    def __repr__(self) -> str:
        return f"Dataset({self.version})"

    def arrow(self, columns: Sequence[str] | None = None) -> pa.Table:
        """The rows as an Arrow table, in the order they were added.

        Args:
            columns: Only these.
        """
        import pyarrow.compute as pc  # weight: 0.3 s

        ref = f"{self.version.name}@{self.version.version}"
        if self.known_at is None:
            return self._workspace.data.table(ref, columns)
        by = str(self.version.known_at)
        wanted = None if columns is None else list(dict.fromkeys([*columns, by]))
        table = self._workspace.data.table(ref, wanted)
        known = table.filter(pc.less_equal(table[by], self.known_at))
        return known if columns is None else known.select(list(columns))

    def pandas(self) -> Any:
        """The rows as a pandas frame; pandas must be installed."""
        return self.arrow().to_pandas()

    def polars(self) -> Any:
        """The rows as a polars frame; polars must be installed."""
        import polars as pl

        return pl.from_arrow(self.arrow())


def dataset(ref: str, *, known_at: datetime | str | None = None, workspace: Workspace | None = None) -> Dataset:
    """A dataset version; a run in progress records that it read it.

    Args:
        ref: ``flights@3`` or ``flights@latest``.
        known_at: Only rows that were known by then, by the dataset's ``known_at`` column.
        workspace: Where it lies; by default the run's, else ``connect()``.

    Raises:
        NotFound: There is no such version.
        Invalid: ``known_at`` is asked of a dataset that does not say when its rows were known.
    """
    active = _current.get()
    opened = workspace or (active.workspace if active else connect())
    version = opened.data.get(ref)
    pinned = Pinned(ref=f"{version.name}@{version.version}", digest=version.digest)
    if known_at is not None and version.known_at is None:
        raise Invalid(
            f"{pinned.ref} does not say when its rows were known.",
            remedy=f"Add it with known_at=COLUMN: ws.data.add({version.name!r}, …, known_at=…)",
        )
    if active is not None:
        active.read(pinned)
    return Dataset(opened, version, as_utc(known_at, field="known_at") if known_at is not None else None)


class _Answered(Struct):
    predictions: list[wire.Real]
    model: str
    guards: dict[str, list[int]] = {}


class _Refusal(Struct):
    message: str


class Answer(Shown, frozen=True, kw_only=True):
    """What an endpoint answered.

    Attributes:
        predictions: One output per row.
        ids: One id per row, under which the prediction is logged: give them back with the labels.
        model: The model that answered.
        version: Its version.
        guards: Risk -> the rows on which its guard acted, counted from 0.
    """

    predictions: list[float]
    ids: list[str]
    model: str
    version: int
    guards: dict[str, list[int]] = {}


def predict(
    endpoint: str,
    rows: Any,
    *,
    event_at: datetime | str | Sequence[datetime] | None = None,
    url: str | None = None,
    workspace: Workspace | None = None,
    token: str | None = None,
) -> Answer:
    """Ask an endpoint, over HTTP.

    The ids are chosen here, so that a request repeated after a broken connection is logged once.

    Args:
        endpoint: Its name.
        rows: An Arrow table, a list of rows, or column -> values.
        event_at: When the question is asked, one moment or one per row; by default now.
        url: Where endpoints answer; by default what the workspace's server said.
        workspace: Where the endpoint is deployed; by default ``connect()``.
        token: Who asks, where there is login; by default the workspace's, else ``MODELWRIGHT_TOKEN``.

    Raises:
        Denied: There is login, and the token does not count.
        Invalid: The rows break the endpoint's contract; the fields are named.
        Unavailable: No server answers.
    """
    import httpx  # weight: 100 modules

    columns = _columns(rows)
    count = len(next(iter(columns.values()), []))
    ids = new_ids(count)
    body = {
        "inputs": columns,
        "params": {"prediction_ids": ids, **({} if event_at is None else {"event_at": _moments(event_at)})},
    }
    where = url or _address(endpoint, workspace)
    address = f"{where.rstrip('/')}/endpoints/{quote(endpoint, safe='')}/invocations"
    headers = {"content-type": "application/json"}
    secret = token or (workspace.token if workspace else None) or TOKEN.value
    if secret:
        headers["authorization"] = f"Bearer {secret}"
    patience = Patience(time.sleep)
    with httpx.Client(timeout=60, trust_env=False) as client:
        while True:
            try:
                answer = client.post(address, content=wire.encode(body), headers=headers)
            except httpx.InvalidURL as error:
                raise Invalid(f"{where!r} is not an address: {error}.", remedy="Write http://host:port.") from error
            except httpx.TransportError as error:
                patience.lost(error, address)
                continue
            if not patience.refuses(answer):
                return _answered(answer, ids)


def _answered(answer: Any, ids: list[str]) -> Answer:
    try:
        if answer.status_code == 200:
            found = wire.decode(answer.content, _Answered)
            model, _, version = found.model.rpartition("@")
            return Answer(
                predictions=[float(each) for each in found.predictions],
                ids=ids,
                model=model,
                version=int(version),
                guards=found.guards,
            )
        message = wire.decode(answer.content, _Refusal).message
    except (Invalid, ValueError):
        raise Unavailable(
            f"{answer.url} answered {answer.status_code}, but not as an endpoint does.",
            remedy="Check the address: endpoints have a port of their own, which `modelwright up` names.",
        ) from None
    kind = {401: "denied", 404: "not_found", 410: "not_found", 503: "unavailable"}.get(answer.status_code, "invalid")
    raised: type[Error] = KINDS[kind]
    raise raised(message)


def _columns(rows: Any) -> dict[str, list[Any]]:
    if isinstance(rows, Mapping):
        return {str(name): list(values) for name, values in rows.items()}
    from modelwright.data.ingest import table_of  # weight: pyarrow, 0.3 s

    columns: dict[str, list[Any]] = table_of(rows).to_pydict()
    return columns


def _moments(event_at: datetime | str | Sequence[datetime]) -> str | list[str]:
    if isinstance(event_at, datetime | str):
        return as_utc(event_at, field="event_at").isoformat()
    return [as_utc(moment, field="event_at").isoformat() for moment in event_at]


def _address(endpoint: str, workspace: Workspace | None) -> str:
    with nullcontext(workspace) if workspace else connect() as opened:
        address: str | None = opened.endpoints.get(endpoint).address
        where = opened.where
    if address is None:
        raise Unavailable(f"No server has been started for {endpoint}.", remedy="Start one: modelwright up")
    return _reached(address, where)


def _reached(address: str, where: str) -> str:
    """A server's address as it is reached from here: one that listens everywhere is where the workspace found it.

    Example:
        >>> _reached("http://0.0.0.0:8901", "https://ml.example.com:8900")
        'http://ml.example.com:8901'
    """
    for everywhere in ("//0.0.0.0", "//[::]"):
        if everywhere in address and "://" in where:
            host = urlsplit(where).netloc.rpartition("@")[2]
            name = host if host.endswith("]") else host.rpartition(":")[0] or host
            return address.replace(everywhere, f"//{name}", 1)
    return address

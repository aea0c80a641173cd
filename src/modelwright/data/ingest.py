"""What people have becomes an Arrow table of the types that datasets hold. Runs beside the user, not in the server."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from modelwright.core.errors import Invalid, NotFound, first_line
from modelwright.core.schema import DType
from modelwright.data.schema import arrow_type, check_names

if TYPE_CHECKING:  # weight: pyarrow is 0.3 s
    import pyarrow as pa

_FORMATS = {".csv": "csv", ".parquet": "parquet", ".jsonl": "json", ".ndjson": "json", ".json": "json"}
_ZONE = "Say what they are: time_zone='UTC', or e.g. time_zone='America/New_York'."


def table_of(source: Any, *, time_zone: str | None = None) -> pa.Table:
    """Read a source into a table of bool, int64, float64, string and timestamp (microseconds, UTC).

    Whole numbers become int64; other numbers, decimals included, float64; dates midnight; times of day text; a column
    without any value float64. In CSV an empty field, ``NA``, ``NaN`` or ``null`` is missing; in quotes it is text.

    Args:
        source: A path to CSV, Parquet or JSON lines (also ``.gz``, and ``.zip`` with one file), an Arrow table, a
            pandas or Polars frame or anything else with an Arrow stream, a dict of columns, or a list of rows as dicts.
        time_zone: What dates and times without an offset are in, an IANA name.

    Raises:
        Invalid: Not such a source, no rows, a type that datasets do not have, or times that name no zone.
        NotFound: There is no such file.
    """
    import pyarrow as pa  # weight: 0.3 s

    if isinstance(source, str | Path):
        return read_file(Path(source), time_zone=time_zone)
    try:
        return normalised(_taken(source), time_zone=time_zone)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise Invalid(
            f"The {type(source).__name__} is not a table: {first_line(error)}",
            remedy="Give every column the same number of values of one type.",
        ) from error


def read_file(path: Path, *, time_zone: str | None = None) -> pa.Table:
    """What ``table_of`` answers for a file: CSV, Parquet or JSON lines; raises as it does."""
    import pyarrow as pa  # weight: 0.3 s

    path = path.expanduser()
    try:
        return normalised(_read(path), time_zone=time_zone)
    except (pa.ArrowException, UnicodeDecodeError, zipfile.BadZipFile, zlib.error, OSError, EOFError) as error:
        raise Invalid(
            f"{path} cannot be read as a table: {first_line(error)}",
            remedy="Check the file, or read it into a frame first.",
        ) from error


def normalised(table: pa.Table, *, time_zone: str | None = None) -> pa.Table:
    """The table with every column in one of the five types; raises as ``table_of`` does."""
    import pyarrow as pa  # weight: 0.3 s

    check_names(table.column_names)
    if table.num_rows == 0:
        raise Invalid("The table has no rows.", remedy="A version needs at least one row; check the source.")
    columns = {name: _column(name, table[name], time_zone) for name in table.column_names}
    return pa.table(columns)


def _taken(source: Any) -> pa.Table:
    import pyarrow as pa  # weight: 0.3 s

    if isinstance(source, Mapping):
        return pa.table({str(name): values for name, values in source.items()})
    if isinstance(source, list | tuple) and all(isinstance(row, Mapping) for row in source):
        return pa.Table.from_pylist([dict(row) for row in source])
    if hasattr(source, "__arrow_c_stream__"):  # Arrow itself, pandas, Polars, DuckDB
        return pa.table(source)
    if hasattr(source, "to_arrow"):
        return _taken(source.to_arrow())
    if hasattr(source, "__dataframe__"):
        from pyarrow.interchange import from_dataframe  # weight: pyarrow

        return from_dataframe(source)
    raise Invalid(
        f"A {type(source).__name__} is not a source.",
        remedy="Give a path, an Arrow table, a pandas or Polars frame, a dict of columns or a list of rows.",
    )


def _read(path: Path) -> pa.Table:
    import pyarrow.parquet as pq  # weight: pyarrow, 0.3 s

    if not path.is_file():
        raise NotFound(f"There is no file {path}.", remedy="Check the path; folders and URLs are not read.")
    inner = path.with_suffix("").name if path.suffix.lower() in (".gz", ".zip") else path.name
    if path.suffix.lower() == ".zip" and Path(inner).suffix.lower() not in _FORMATS:
        inner = _only_member(path)
    kind = _FORMATS.get(Path(inner).suffix.lower())
    if kind is None:
        raise Invalid(
            f"{path.name} has no ending that says what it is.",
            remedy="Read are .csv, .parquet, .jsonl, .ndjson, .json, also with .gz or .zip behind.",
        )
    with _opened(path) as stream:
        if kind == "parquet":
            return pq.read_table(path if path.suffix.lower() == ".parquet" else _whole(stream))
        return _csv(stream) if kind == "csv" else _json(stream)


def _csv(stream: BinaryIO) -> pa.Table:
    import pyarrow.csv as pc  # weight: pyarrow, 0.3 s

    return pc.read_csv(
        stream, convert_options=pc.ConvertOptions(strings_can_be_null=True, quoted_strings_can_be_null=False)
    )


def _json(stream: BinaryIO) -> pa.Table:
    """JSON lines. Arrow's reader drops the offset of a time, so times are read as the text they are, then cast."""
    import pyarrow as pa  # weight: 0.3 s
    import pyarrow.json as pj

    data = _whole(stream)
    schema = pj.read_json(data).schema
    texts = [(field.name, pa.string()) for field in schema if pa.types.is_timestamp(field.type)]
    data.seek(0)
    table = pj.read_json(data, parse_options=pj.ParseOptions(explicit_schema=pa.schema(texts)))
    for place, name in enumerate(table.column_names):
        if table.schema.field(place).type == pa.string():
            table = table.set_column(place, name, _as_times(table[place]))
    return table


def _as_times(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa  # weight: 0.3 s

    if texts.null_count == len(texts):
        return texts
    for kind in (pa.timestamp("us", "UTC"), pa.timestamp("us")):  # all with an offset, or all without
        try:
            return texts.cast(kind)
        except pa.ArrowInvalid:
            continue
    return texts


def _column(name: str, values: pa.ChunkedArray, time_zone: str | None) -> pa.ChunkedArray:
    import pyarrow as pa  # weight: 0.3 s

    kind = values.type
    if pa.types.is_dictionary(kind) or isinstance(kind, pa.RunEndEncodedType | pa.BaseExtensionType):
        inner = kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind.value_type
        return _column(name, values.cast(inner), time_zone)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _moments(name, values, time_zone)
    dtype = _dtype(kind)
    if dtype is None:
        raise Invalid(
            f"Column {name!r} has the type {kind}, which datasets do not hold.",
            remedy="Text must be UTF-8." if pa.types.is_binary(kind) else "Make it text or numbers, or drop it.",
            fields={name: "type is not supported"},
        )
    try:
        cast = values.cast(arrow_type(dtype))
    except pa.ArrowInvalid as error:
        raise Invalid(
            f"Column {name!r} does not fit into {dtype}: {first_line(error)}",
            fields={name: f"does not fit into {dtype}"},
        ) from error
    if dtype == DType.STRING:
        cast.validate(full=True)  # text that is not UTF-8 would be found by every reader later
    return cast


def _dtype(kind: pa.DataType) -> DType | None:
    import pyarrow as pa  # weight: 0.3 s

    is_ = pa.types
    if is_.is_boolean(kind):
        return DType.BOOL
    if is_.is_integer(kind):
        return DType.INT64
    if is_.is_floating(kind) or is_.is_decimal(kind) or is_.is_null(kind):
        return DType.FLOAT64
    texts = (is_.is_string, is_.is_large_string, is_.is_string_view, is_.is_time)
    return DType.STRING if any(check(kind) for check in texts) else None


def _moments(name: str, values: pa.ChunkedArray, time_zone: str | None) -> pa.ChunkedArray:
    import pyarrow as pa  # weight: 0.3 s
    import pyarrow.compute as pc

    utc = arrow_type(DType.TIMESTAMP)
    date = pa.types.is_date(values.type)
    if not date and values.type.tz is None and time_zone is None:
        raise Invalid(
            f"The times in column {name!r} name no time zone.", remedy=_ZONE, fields={name: "has no time zone"}
        )
    try:
        if not date and values.type.tz is not None:
            return values.cast(utc)
        return pc.assume_timezone(values.cast(pa.timestamp("us")), time_zone or "UTC").cast(utc)
    except pa.ArrowInvalid as error:
        raise Invalid(
            f"The times in column {name!r} cannot be moved to UTC microseconds: {first_line(error)}",
            remedy="Round nanoseconds; name an existing time zone; give times in a clock change with their offset.",
            fields={name: "is not a time in UTC"},
        ) from error


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    suffix = path.suffix.lower()
    if suffix == ".gz":
        with gzip.open(path, "rb") as stream:
            yield stream  # type: ignore[misc]  # GzipFile reads as BinaryIO does
    elif suffix == ".zip":
        with zipfile.ZipFile(path) as archive, archive.open(_only_member(path)) as member:
            yield member  # type: ignore[misc]  # ZipExtFile likewise
    else:
        with path.open("rb") as stream:
            yield stream


def _only_member(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        members = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX/")]
    if len(members) != 1:
        raise Invalid(f"{path.name} holds {len(members)} files, not one.", remedy="Unpack it and add the one you mean.")
    return members[0]


def _whole(stream: BinaryIO) -> pa.BufferReader:
    import pyarrow as pa  # weight: 0.3 s

    return pa.BufferReader(stream.read())

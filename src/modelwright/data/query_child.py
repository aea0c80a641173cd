"""The process in which a person's SQL runs: ``python -m modelwright.data.query_child``, spoken to by ``query``."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import IO, Any

import duckdb
import msgspec

from modelwright.core.errors import first_line
from modelwright.core.wire import real
from modelwright.data.model import Cell, QueryColumn
from modelwright.data.query import Ask, Limits, Names, Problem, Rows, Views

_OVERHEAD = 4 << 30  # address space, not memory: the interpreter, DuckDB and Arrow map much more than they use
_BATCH = 1024


class Refused(Exception):
    """The statement is not one that is carried out here."""


def main() -> None:
    """Talk to the parent: a statement, its names, their files, the rows."""
    into, out = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    ask = msgspec.json.decode(into.readline(), type=Ask)
    _bound(ask.limits)
    try:
        with duckdb.connect(":memory:", config=_configuration(ask.limits)) as connection:
            _say(out, Names(names=tuple(_names(connection, ask.sql))))
            _lock(connection, msgspec.json.decode(into.readline(), type=Views))
            _say(out, _answer(connection, ask))
    except (duckdb.Error, Refused) as error:
        _say(out, Problem(message=first_line(error)))
    except MemoryError:
        _say(out, Problem(message=f"The query needs more than {ask.limits.memory_mb:,} MB of memory."))


def _say(out: IO[bytes], message: msgspec.Struct) -> None:
    out.write(msgspec.json.encode(message) + b"\n")
    out.flush()


def _bound(limits: Limits) -> None:
    seconds = int(limits.seconds * 2) + 5
    bounds = {
        resource.RLIMIT_CPU: seconds,  # on several cores; the parent's clock comes first
        resource.RLIMIT_FSIZE: 0,  # it may write no file at all; pipes are none
        resource.RLIMIT_CORE: 0,
    }
    if sys.platform == "linux":  # elsewhere the bound is not kept, and DuckDB's own has to do
        bounds[resource.RLIMIT_AS] = (limits.memory_mb << 20) + _OVERHEAD
    for kind, value in bounds.items():
        resource.setrlimit(kind, (value, value))


def _configuration(limits: Limits) -> dict[str, Any]:
    return {
        "threads": 2,
        "memory_limit": f"{limits.memory_mb}MiB",
        "temp_directory": "",
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "python_enable_replacements": False,
    }


def _names(connection: duckdb.DuckDBPyConnection, sql: str) -> Iterator[str]:
    """The tables a statement reads, as written; names of its own WITH clauses among them."""
    statements = connection.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise Refused("One SELECT is carried out, and nothing else.")
    row = connection.execute("SELECT json_serialize_sql($1::VARCHAR)", [statements[0].query]).fetchone()
    tree = msgspec.json.decode(row[0] if row else "{}")
    if tree.get("error"):
        raise Refused(f"One SELECT is carried out, and nothing else: {tree.get('error_message', '')}")
    found = {node["table_name"] for node in _nodes(tree) if node.get("type") == "BASE_TABLE"}
    yield from sorted(found)


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def _lock(connection: duckdb.DuckDBPyConnection, given: Views) -> None:
    """Make the views; from then on no other file, no extension and no other setting can be reached."""
    connection.execute("SET TimeZone = 'UTC'")
    for name, files in given.views.items():
        connection.read_parquet(files).create_view(name)
    allowed = [path for files in given.views.values() for path in files]
    listed = ", ".join("'" + path.replace("'", "''") + "'" for path in allowed)
    connection.execute(f"SET allowed_paths = [{listed}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _answer(connection: duckdb.DuckDBPyConnection, ask: Ask) -> Rows:
    result = connection.sql(ask.sql)
    columns = tuple(QueryColumn(name=entry[0], type=str(entry[1])) for entry in result.description)
    rows: list[tuple[Cell, ...]] = []
    size = 0
    reader: Any = result.to_arrow_reader(_BATCH)
    for batch in reader:
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            if len(rows) == ask.rows:
                return Rows(columns=columns, rows=tuple(rows), truncated=True)
            rows.append(tuple(map(_cell, row)))
            size += len(msgspec.json.encode(rows[-1]))
            if size > ask.limits.answer_mb << 20:
                raise Refused(f"The answer is over {ask.limits.answer_mb} MB; select fewer columns or rows.")
    return Rows(columns=columns, rows=tuple(rows), truncated=False)


def _cell(value: Any) -> Cell:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Decimal):
        value = int(value) if value == value.to_integral_value() and value.as_tuple().exponent == 0 else float(value)
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else str(value)
    if isinstance(value, float):
        return real(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date | time):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else str(value)


if __name__ == "__main__":
    main()

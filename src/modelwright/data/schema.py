"""The types that a dataset may have, in Arrow's words and in the contract's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelwright.core.errors import Invalid
from modelwright.core.schema import DType
from modelwright.store.formula import quoted

if TYPE_CHECKING:  # weight: pyarrow is 0.3 s
    import pyarrow as pa

__all__ = ["arrow_type", "check_names", "columns_of", "dtype_of", "quoted"]

MOST_COLUMNS = 2000


def arrow_type(dtype: DType) -> pa.DataType:
    """How a column of this type rests."""
    import pyarrow as pa  # weight: 0.3 s

    return {
        DType.BOOL: pa.bool_(),
        DType.INT64: pa.int64(),
        DType.FLOAT64: pa.float64(),
        DType.STRING: pa.string(),
        DType.TIMESTAMP: pa.timestamp("us", "UTC"),
    }[dtype]


def dtype_of(kind: pa.DataType) -> DType | None:
    """The contract's word for exactly this Arrow type, if it has one."""
    return next((dtype for dtype in DType if arrow_type(dtype) == kind), None)


def columns_of(schema: pa.Schema) -> dict[str, DType]:
    """Column -> type of a table that may be stored.

    Raises:
        Invalid: No columns, too many, names that are empty, unprintable or equal but for case, or a type that datasets
            do not have.
    """
    check_names(schema.names)
    columns = {field.name: dtype_of(field.type) for field in schema}
    for name, dtype in columns.items():
        if dtype is None:
            raise Invalid(
                f"Column {name!r} has the type {schema.field(name).type}; a dataset holds {', '.join(DType)}.",
                remedy="Send it through ws.data.add, which converts what it can.",
                fields={name: "type is not supported"},
            )
    return {name: dtype for name, dtype in columns.items() if dtype is not None}


def check_names(names: list[str]) -> None:
    """Refuse column names that SQL or a file could not keep apart.

    Raises:
        Invalid: The offending name.
    """
    if not 1 <= len(names) <= MOST_COLUMNS:
        raise Invalid(f"The table has {len(names)} columns, not 1 to {MOST_COLUMNS:,}.")
    seen: dict[str, str] = {}
    for name in names:
        if not name or len(name) > 250 or not name.isprintable():
            raise Invalid(
                f"{name[:80]!r} cannot be a column name.",
                remedy="Give every column a printable name of at most 250 characters.",
                fields={name[:80]: "is not a column name"},
            )
        other = seen.get(name.lower())
        seen[name.lower()] = name
        if other is not None:
            how = "is there twice" if other == name else f"differs from {other!r} only in case, which SQL cannot see"
            raise Invalid(f"Column {name!r} {how}.", remedy="Rename or drop one.", fields={name: "is not unique"})

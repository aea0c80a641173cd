"""NumPy arrays and scalars, in NumPy's own format without pickle."""

from __future__ import annotations

import io
import sys
from typing import Any

from modelwright.core.errors import Corrupted, Invalid


class NumpyCodec:
    """Arrays and scalars of numbers, texts and times; fulfils ``Codec``."""

    def handles(self, value: object) -> bool:
        """Whether it is an array or a scalar."""
        loaded = sys.modules.get("numpy")
        return loaded is not None and isinstance(value, loaded.ndarray | loaded.generic)

    def encode(self, value: Any) -> bytes:
        """A byte that says whether it is a scalar, then a ``.npy`` file."""
        import numpy as np

        if value.dtype.hasobject:
            raise Invalid(
                f"An array of Python objects {value.shape} cannot be handed on: only pickle could keep it.",
                remedy="Give it a dtype (astype(str), astype(float)), or hand on a list.",
            )
        written = io.BytesIO()
        written.write(b"\x01" if isinstance(value, np.generic) else b"\x00")
        np.save(written, np.asarray(value), allow_pickle=False)
        return written.getvalue()

    def decode(self, data: bytes) -> Any:
        """The array or scalar."""
        import numpy as np

        try:
            found = np.load(io.BytesIO(data[1:]), allow_pickle=False)
        except (ValueError, EOFError, OSError) as error:
            raise Corrupted(f"These bytes are no NumPy array: {error}.") from error
        if not isinstance(found, np.ndarray):
            raise Corrupted("These bytes are an archive, not an array.")
        return found[()] if data[:1] == b"\x01" else found

    def words(self, value: Any) -> str:
        """The type, and the shape of an array."""
        return f"{value.dtype} {' x '.join(map(str, value.shape))}".rstrip()


variant = NumpyCodec()

"""What every codec must pass. Inherit from ``CodecContract`` in a test class and give it some values."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest

from modelwright.core.errors import Corrupted
from modelwright.core.wire import sha256
from modelwright.pipelines.codecs.base import Codec

_ELSEWHERE = """
import hashlib, sys
from importlib import import_module
codec = import_module(sys.argv[1]).variant
data = sys.stdin.buffer.read()
print(hashlib.sha256(codec.encode(codec.decode(data))).hexdigest())
"""


class CodecContract:
    """The law of ``Codec``, as tests that pytest collects from a class that inherits this.

    Example:
        >>> class TestMine(CodecContract):  # doctest: +SKIP
        ...     codec = variant
        ...     values = (my_value, another)
        ...     def same(self, one, other):
        ...         return one.equals(other)
    """

    codec: Codec
    """The module that defines its class offers it as ``variant``."""
    values: Sequence[object]

    def same(self, one: Any, other: Any) -> bool:
        """Whether two values are the same to whoever uses them."""
        return bool(one == other)

    def test_it_handles_its_own_values_and_no_others(self) -> None:
        assert all(self.codec.handles(value) for value in self.values)
        assert not any(self.codec.handles(other) for other in (object(), None, 1, "text", [1], {"a": 1}))

    def test_a_value_comes_back_as_it_was(self) -> None:
        for value in self.values:
            found = self.codec.decode(self.codec.encode(value))
            assert type(found) is type(value)
            assert self.same(found, value)

    def test_the_same_value_has_the_same_bytes_also_in_another_process(self) -> None:
        for value in self.values:
            data = self.codec.encode(value)
            assert self.codec.encode(value) == data
            command = [sys.executable, "-c", _ELSEWHERE, type(self.codec).__module__]
            there = subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True)  # noqa: S603
            assert there.stdout.decode().strip() == sha256(data)

    def test_other_bytes_are_corrupted(self) -> None:
        for data in (
            b"",
            b"\x00junk",
            self.codec.encode(self.values[0])[: len(self.codec.encode(self.values[0])) // 2],
        ):
            with pytest.raises(Corrupted):
                self.codec.decode(data)

    def test_its_words_are_few(self) -> None:
        for value in self.values:
            assert 0 < len(self.codec.words(value)) <= 100

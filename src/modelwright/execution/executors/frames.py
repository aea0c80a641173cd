"""Messages between an executor and its processes: a length, then MessagePack."""

from __future__ import annotations

import socket
from typing import Any

import msgspec

from modelwright.execution.executors.base import Done, Job
from modelwright.pipelines.model import Progress


class Begin(msgspec.Struct, frozen=True, tag="begin"):
    """To a process: do this."""

    job: Job


class Begun(msgspec.Struct, frozen=True, tag="begun"):
    """From a process: the function has been imported, now it runs; its time begins."""

    step: str


class Said(msgspec.Struct, frozen=True, tag="said"):
    """From a process: how far the step is."""

    step: str
    progress: Progress


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """From a process: the step is over."""

    done: Done


Message = Begin | Begun | Said | Ended
_decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(Message)
_HEAD = 8


def framed(message: Message) -> bytes:
    """A message with its length before it."""
    data = msgspec.msgpack.encode(message)
    return len(data).to_bytes(_HEAD, "big") + data


def received(channel: socket.socket) -> Message | None:
    """The next message; none when the other end is gone."""
    head = _exactly(channel, _HEAD)
    data = _exactly(channel, int.from_bytes(head, "big")) if head is not None else None
    if data is None:
        return None
    message: Message = _decoder.decode(data)
    return message


def _exactly(channel: socket.socket, size: int) -> bytes | None:
    pieces = bytearray()
    while len(pieces) < size:
        try:
            piece = channel.recv(min(size - len(pieces), 1 << 20))
        except ConnectionResetError:
            return None
        if not piece:
            return None
        pieces += piece
    return bytes(pieces)

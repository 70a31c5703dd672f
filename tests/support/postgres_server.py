"""A PostgreSQL server for tests, started when first asked for and ended with the process."""

from __future__ import annotations

import atexit
import contextlib
import functools
import getpass
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import psycopg
import pytest
import sqlalchemy

from chassis.database import migrations, postgres
from stream_service import app

STOP_TIMEOUT_SECONDS = 20
MEMORY_BYTES_MIN = 1 << 30
_READY = "database system is ready to accept connections"
_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "deadlock_timeout": "200ms",
}


class Server:
    """A server of its own on a socket in a temporary folder."""

    def __init__(self, binaries: Path) -> None:
        self._binaries = binaries
        self.folder = Path(tempfile.mkdtemp(prefix="millrace-pg-", dir=_memory()))
        self._user = _user()
        self._names = (f"test_{number}" for number in itertools.count(1))
        self._process: subprocess.Popen[str] | None = None
        if self._user != getpass.getuser():
            shutil.chown(self.folder, self._user, pwd.getpwnam(self._user).pw_gid)
        # A language's order of text, so that nothing relies on the order of bytes by chance.
        locale = ["--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"]
        self._run("initdb", "--auth=trust", "--username=postgres", *locale, f"--pgdata={self.data}")

    @property
    def data(self) -> Path:
        """Where the server keeps its files."""
        return self.folder / "data"

    def start(self) -> None:
        """Start it; it takes connections when this returns."""
        settings = [f"--{name}={value}" for name, value in _SETTINGS.items()]
        self._process = subprocess.Popen(
            [str(self._binaries / "postgres"), "-D", str(self.data), "-k", str(self.folder), *settings],
            stderr=subprocess.PIPE,
            text=True,
            **self._as_user(),
        )
        assert self._process.stderr is not None
        said = []
        for line in self._process.stderr:
            said.append(line)
            if _READY in line:
                break
        else:
            raise AssertionError(f"the server did not start: {''.join(said)}")
        threading.Thread(target=_drain, args=(self._process.stderr,), daemon=True).start()

    def stop(self, *, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT cuts connections, SIGQUIT is a crash."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(STOP_TIMEOUT_SECONDS)
            self._process = None

    def restart(self) -> None:
        """Let it crash and come back."""
        self.stop(how=signal.SIGQUIT)
        self.start()

    def reload(self) -> None:
        """Have it read its settings again. New connections have them when this returns."""
        before = self.run("SELECT pg_conf_load_time()")
        self.run("SELECT pg_reload_conf()")
        for _ in range(1000):
            if self.run("SELECT pg_conf_load_time()") != before:
                return
        raise AssertionError("the settings were not read")

    def remove(self) -> None:
        """End it and remove its files."""
        self.stop(how=signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str) -> str:
        """The URL of a database."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def run(self, statement: str, *, database: str = "postgres") -> list[Any]:
        """One statement as superuser, in driver autocommit; its rows."""
        with psycopg.connect(f"host={self.folder} user=postgres dbname={database}", autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def create(self, template: str = "template1") -> str:
        """The URL of a new database."""
        name = next(self._names)
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Drop a database whatever is connected to it."""
        self.run(f"DROP DATABASE {sqlalchemy.make_url(url).database} WITH (FORCE)")

    @functools.cached_property
    def migrated(self) -> str:
        """The name of a database with the stream service's tables, to make others from."""
        database = postgres.open_database(self.create())
        try:
            migrations.upgrade(database, app.MIGRATIONS)
        finally:
            database.close()
        assert database.url.database is not None
        return database.url.database

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run([str(self._binaries / program), *arguments], check=True, capture_output=True, **self._as_user())

    def _as_user(self) -> dict[str, Any]:
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "LC_MESSAGES": "C"}
        account = pwd.getpwnam(self._user)
        if account.pw_uid == os.getuid():
            return {"env": environment, "cwd": self.folder}
        identity = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        return {"env": environment, "cwd": self.folder, **identity}


def binaries() -> Path | None:
    """Where the server's programs are; the newest version's. None if there are none."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if versions:
        return versions[-1].parent
    on_path = shutil.which("postgres")
    return Path(on_path).resolve().parent if on_path else None


def server() -> Server:
    """The server of this process. Skips the test where PostgreSQL is not installed."""
    if binaries() is None:
        pytest.skip("PostgreSQL is not installed (on Debian: apt-get install postgresql)")
    return _server()


@contextlib.contextmanager
def a_database(*, template: str | None = None) -> Iterator[str]:
    """The URL of a database for one test, with the stream service's tables unless another template is named."""
    running = server()
    url = running.create(template or running.migrated)
    try:
        yield url
    finally:
        running.drop(url)


@functools.cache
def _server() -> Server:
    found = binaries()
    assert found is not None
    made = Server(found)
    atexit.register(made.remove)
    made.start()
    return made


def _memory() -> str | None:
    """A file system in memory, if there is one with room: a sync costs nothing there. The server syncs all the same."""
    place = "/dev/shm"
    is_fit = os.path.isdir(place) and os.access(place, os.W_OK) and shutil.disk_usage(place).free > MEMORY_BYTES_MIN
    return place if is_fit else None


def _user() -> str:
    """Who runs the server: it refuses root."""
    if os.getuid() != 0:
        return getpass.getuser()
    names = {account.pw_name for account in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _drain(stream: IO[str]) -> None:
    with stream:
        for _ in stream:
            pass

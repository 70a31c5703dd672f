"""Opening PostgreSQL: what is refused says what to do, and what is opened keeps what it commits."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from chassis.database import engine, postgres, server_clock
from stream_service.storage import opening
from tests.support import postgres_server


@pytest.fixture
def url() -> Iterator[str]:
    """A database without tables."""
    with postgres_server.a_database(template="template1") as made:
        yield made


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("postgresql://host/db", "must be like postgresql\\+psycopg://USER:PASSWORD@HOST/DATABASE"),
        ("postgresql+psycopg2://host/db", "with that driver and a database"),
        ("postgresql+psycopg://host", "with that driver and a database"),
        ("postgresql+psycopg://host:port/db", "the database URL is not one"),
        ("postgresql+psycopg://u:secret@127.0.0.1:1/db", "cannot be opened: .*refused"),
        ("postgresql+psycopg://u:secret@127.0.0.1:1/db?colour=red", "cannot be opened: .*colour"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_its_password(url: str, problem: str) -> None:
    with pytest.raises(engine.DatabaseRefused, match=problem) as refused:
        opening.open_database(url)
    assert "secret" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_without_the_extra_the_refusal_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "chassis.database.hints", raising=False)
    monkeypatch.delattr("chassis.database.hints", raising=False)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.setitem(sys.modules, "chassis.database.postgres", None)
    with pytest.raises(engine.DatabaseRefused, match=r"install millrace\[services,postgres\]"):
        opening.open_database("postgresql+psycopg://host/db")


def test_the_mapping_service_says_that_it_needs_a_file() -> None:
    with pytest.raises(engine.DatabaseRefused, match=r"kind postgresql are not supported.*use sqlite:///PATH"):
        engine.open_database("postgresql+psycopg://host/db")


def test_a_user_who_may_not_make_tables_is_told_so(url: str) -> None:
    server = postgres_server.server()
    server.run("DROP ROLE IF EXISTS guest")
    server.run("CREATE ROLE guest LOGIN")
    with pytest.raises(engine.DatabaseRefused, match="InsufficientPrivilege 42501; its user must be allowed"):
        opening.open_database(url.replace("postgres@", "guest@"))


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
def test_a_server_that_may_lose_what_it_committed_is_refused(url: str, setting: str) -> None:
    server = postgres_server.server()
    try:
        server.run(f"ALTER SYSTEM SET {setting} = off")
        server.reload()
        with pytest.raises(engine.DatabaseRefused, match=f"the server has {setting} = off"):
            opening.open_database(url)
    finally:
        server.run(f"ALTER SYSTEM RESET {setting}")
        server.reload()


@pytest.mark.parametrize(("configured", "used"), [("off", "on"), ("local", "on"), ("remote_apply", "remote_apply")])
def test_synchronous_commit_is_on_or_stricter(url: str, configured: str, used: str) -> None:
    name = sa.make_url(url).database
    postgres_server.server().run(f"ALTER DATABASE {name} SET synchronous_commit = '{configured}'")
    opened = opening.open_database(url)
    try:
        found = opened.database.writer_connection().exec_driver_sql("SHOW synchronous_commit").scalar_one()
        assert found == used
    finally:
        opened.database.close()


def test_a_newer_schema_is_refused(url: str) -> None:
    opening.open_database(url).database.close()
    name = sa.make_url(url).database
    assert name is not None
    postgres_server.server().run("UPDATE alembic_version SET version_num = '9999'", database=name)
    with pytest.raises(engine.DatabaseRefused, match="has schema 9999, which this version does not know"):
        opening.open_database(url)


def test_names_are_in_the_order_of_their_bytes(url: str) -> None:
    opened = opening.open_database(url)
    try:
        connection = opened.database.writer_connection()
        text = "SELECT 'B' < 'a' COLLATE \"C\", (SELECT collation_name FROM information_schema.columns "
        row = connection.exec_driver_sql(text + "WHERE table_name = 'stream' AND column_name = 'name')").one()
        assert tuple(row) == (True, "C")
    finally:
        opened.database.close()


def test_c1_each_transaction_tells_the_servers_time(url: str) -> None:
    database = postgres.open_database(url, readers=1)
    try:
        database.clock.told(0)
        connection = database.session().begin()
        text = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"
        server_millis = connection.exec_driver_sql(text).scalar_one()
        assert abs(database.clock.unix_millis() - server_millis) < 5_000
        database.session().roll_back()
    finally:
        database.close()


def test_c1_the_clock_goes_on_from_what_the_server_said() -> None:
    seconds = [100.0]
    clock = server_clock.ServerClock(monotonic=lambda: seconds[0])
    clock.told(1_700_000_000_000)
    seconds[0] += 2.5
    assert clock.unix_millis() == 1_700_000_002_500
    clock.told(1_600_000_000_000)
    assert clock.unix_millis() == 1_600_000_000_000

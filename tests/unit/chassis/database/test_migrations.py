from pathlib import Path

import pytest

from chassis.database import engine, migrations

ENV = "from chassis.database import migrations\n\nmigrations.run_env()\n"
FIRST = """
from alembic import op
revision, down_revision = "0001", None
def upgrade():
    op.execute("CREATE TABLE a (x)")
"""
SECOND = """
from alembic import op
revision, down_revision = "0002", "0001"
def upgrade():
    op.execute("CREATE TABLE b (x)")
    op.execute("{statement}")
"""


def a_folder(root: Path, *, second: str | None = None) -> Path:
    folder = root / "migrations"
    (folder / "versions").mkdir(parents=True, exist_ok=True)
    (folder / "env.py").write_text(ENV)
    (folder / "versions/0001_first.py").write_text(FIRST)
    if second is not None:
        (folder / "versions/0002_second.py").write_text(SECOND.replace("{statement}", second))
    return folder


def tables(database: engine.Database) -> set[str]:
    with database.reading() as connection:
        rows = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'")
        return set(rows.scalars())


def test_a_new_database_gets_the_whole_schema(tmp_path: Path) -> None:
    database = engine.open_database(f"sqlite:///{tmp_path}/a.db")

    migrations.upgrade(database, a_folder(tmp_path, second="CREATE TABLE c (x)"))

    assert {"a", "b", "c"} < tables(database)
    database.close()


def test_an_older_database_gets_what_it_lacks(tmp_path: Path) -> None:
    database = engine.open_database(f"sqlite:///{tmp_path}/a.db")
    migrations.upgrade(database, a_folder(tmp_path))
    migrations.upgrade(database, a_folder(tmp_path))

    migrations.upgrade(database, a_folder(tmp_path, second="CREATE TABLE c (x)"))

    assert {"a", "b", "c"} < tables(database)
    database.close()


def test_a_migration_that_fails_half_way_leaves_the_old_schema(tmp_path: Path) -> None:
    database = engine.open_database(f"sqlite:///{tmp_path}/a.db")
    migrations.upgrade(database, a_folder(tmp_path))

    with pytest.raises(Exception, match="nonsense"):
        migrations.upgrade(database, a_folder(tmp_path, second="nonsense"))

    assert "b" not in tables(database)
    migrations.upgrade(database, a_folder(tmp_path, second="CREATE TABLE c (x)"))
    assert {"a", "b", "c"} < tables(database)
    database.close()


def test_a_schema_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    database = engine.open_database(f"sqlite:///{tmp_path}/a.db")
    migrations.upgrade(database, a_folder(tmp_path / "new", second="CREATE TABLE c (x)"))

    with pytest.raises(engine.DatabaseRefused, match="schema 0002, which this version does not know"):
        migrations.upgrade(database, a_folder(tmp_path / "old"))

    assert {"a", "b", "c"} < tables(database)
    database.close()

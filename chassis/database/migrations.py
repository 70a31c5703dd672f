"""Brings a database to the schema of this version at start, in one transaction: a kill leaves the old or the new one.

A package keeps its migrations in a folder: `versions/0001_....py` and an `env.py` of two lines, which calls `run_env`.
"""

from pathlib import Path

import sqlalchemy
from alembic import command, config, context, util
from alembic.runtime import migration
from alembic.script import ScriptDirectory

from chassis.database.engine import DatabaseRefused
from chassis.database.session import Database


def upgrade(database: Database, folder: Path) -> None:
    """Bring the database to the newest revision in the folder.

    Raises DatabaseRefused, without a change, if a newer version of the service has been there.
    """
    alembic_config = config.Config()
    alembic_config.set_main_option("script_location", str(folder).replace("%", "%%"))
    script = ScriptDirectory.from_config(alembic_config)
    if _is_current(database, script, database.writer_connection()):
        return
    with database.alone() as connection:
        # Another process may have been here since.
        if not _is_current(database, script, connection):
            alembic_config.attributes["connection"] = connection
            command.upgrade(alembic_config, "head")


def run_env() -> None:
    """What a migrations folder's env.py does: migrate on the connection that `upgrade` brought."""
    connection: sqlalchemy.Connection = context.config.attributes["connection"]
    context.configure(connection=connection, render_as_batch=True)
    context.run_migrations()


def _is_current(database: Database, script: ScriptDirectory, connection: sqlalchemy.Connection) -> bool:
    """Whether nothing is to be done. Raises DatabaseRefused if a newer version has been there."""
    found = migration.MigrationContext.configure(connection).get_current_heads()
    if found == (script.get_current_head(),):
        return True
    for revision in found:
        try:
            script.get_revision(revision)
        except util.CommandError as error:
            raise DatabaseRefused(
                f"the database {database.name} has schema {revision}, which this version does not know: "
                "a newer version has written it; start that one"
            ) from error
    return False

"""Alembic's entry."""

from chassis.database import migrations

migrations.run_env()

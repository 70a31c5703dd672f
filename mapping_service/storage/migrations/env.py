"""Runs the migrations on the connection that the start brought."""

from chassis.database import migrations

migrations.run_env()

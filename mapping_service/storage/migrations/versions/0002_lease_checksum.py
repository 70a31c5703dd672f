"""A checksum for each lease row; none for rows from before, until their next checkpoint."""

from alembic import op
from sqlalchemy import BigInteger, Column

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column."""
    op.add_column("lease", Column("checksum", BigInteger))

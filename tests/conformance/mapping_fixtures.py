"""Each kind of stores in turn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mapping_service.stores import Stores
from tests.support import mapping_stores


@pytest.fixture(params=["memory", "sqlite"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stores]:
    """Fresh stores, in memory and on SQLite."""
    if request.param == "memory":
        yield mapping_stores.in_memory()
        return
    with mapping_stores.on_sqlite(tmp_path) as made:
        yield made

"""examples/seed.py as compose.yaml runs it: it makes what is missing, once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support import mapping_process, stream_process

SEED = Path(__file__).parents[2] / "examples" / "seed.py"


def test_a_stack_is_seeded_once_however_often_that_is_asked(tmp_path: Path) -> None:
    with stream_process.running(tmp_path) as stream, mapping_process.running(tmp_path, stream) as mapping:
        command = [sys.executable, str(SEED), "--stream-service", stream, "--mapping-service", mapping]
        said = [
            subprocess.run(
                [*command, "--handler", "127.0.0.1:7500"], check=True, capture_output=True, text=True, timeout=60
            ).stdout
            for _ in range(2)
        ]

    assert said == [
        "put 1707 events into earthquakes\n",
        "the stream earthquakes has records; nothing was put\n",
    ]

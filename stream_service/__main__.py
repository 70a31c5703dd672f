"""`python -m stream_service`: runs the service from its environment."""

from __future__ import annotations

import sys

from chassis.process import run
from stream_service import app
from stream_service.settings import Settings

SWITCH_INTERVAL_SECONDS = 0.0002
"""How long a thread keeps the interpreter while another wants it: the writer and the loop take turns all the time."""

if __name__ == "__main__":
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    sys.exit(run.run(Settings, app.start))

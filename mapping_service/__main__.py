"""`python -m mapping_service`: serves until it is told to stop."""

import sys

from chassis.process import run
from mapping_service import app
from mapping_service.settings import Settings

SWITCH_INTERVAL_SECONDS = 0.0002
"""How long a thread keeps the interpreter while another wants it: the writer and the loop take turns all the time."""

if __name__ == "__main__":
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    sys.exit(run.run(Settings, app.start))

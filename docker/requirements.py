"""Prints what Millrace needs with all it can do, one requirement a line, so that it can be installed first."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

FOR_DEVELOPERS = "dev"


def main() -> None:
    """Print the dependencies of the project and of every extra but the developers'."""
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    needed = [*project["dependencies"]]
    for extra, requirements in project["optional-dependencies"].items():
        if extra != FOR_DEVELOPERS:
            needed += requirements
    sys.stdout.write("\n".join(needed) + "\n")


if __name__ == "__main__":
    main()

"""Prints the requirements of the extras that the image has, one a line, so that they can be installed first."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

EXTRAS = ("services", "cli", "postgres")


def main() -> None:
    """Print them."""
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    needed = [*project["dependencies"]]
    for extra in EXTRAS:
        needed += project["optional-dependencies"][extra]
    sys.stdout.write("\n".join(needed) + "\n")


if __name__ == "__main__":
    main()

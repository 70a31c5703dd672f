"""Generates gen/ from protos/ with the pinned grpcio-tools of `make protos` (docs/decisions/0001-generated-code.md).

What is made from errors.toml is written before, for the enum of reasons is one of the contracts.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import error_catalogue
import grpc_tools
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent
OUT = ROOT.parent / "gen"


def main() -> int:
    """Write what comes from the catalogue of errors and replace gen/millrace; answer protoc's exit code."""
    error_catalogue.write()
    protos = sorted(ROOT.glob("millrace/**/*.proto"))
    services = [path for path in protos if path.stem.endswith("_service")]
    include = Path(grpc_tools.__file__).parent / "_proto"
    base = ["protoc", f"-I{ROOT}", f"-I{include}"]
    shutil.rmtree(OUT / "millrace", ignore_errors=True)
    OUT.mkdir(exist_ok=True)
    code = protoc.main([*base, f"--python_out={OUT}", f"--pyi_out={OUT}", *map(str, protos)])
    code = code or protoc.main([*base, f"--grpc_python_out={OUT}", *map(str, services)])
    for folder in [OUT / "millrace", *(path for path in (OUT / "millrace").rglob("*") if path.is_dir())]:
        (folder / "__init__.py").touch()
    shutil.copy(ROOT / "service_config.json", OUT / "millrace")
    return int(code)


if __name__ == "__main__":
    sys.exit(main())

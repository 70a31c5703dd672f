from __future__ import annotations

import subprocess
import sys

ALLOWED = {
    "cython_runtime",
    "google",
    "grpc",
    "grpc_health",
    "grpc_reflection",
    "millrace",
    "millrace_sdk",
    "typing_extensions",
}
"""grpc brings cython_runtime, and typing_extensions where that is installed."""

PROGRAM = """
import sys
before = set(sys.modules)
import millrace_sdk
names = {name.split(".")[0] for name in set(sys.modules) - before}
print(*sorted(name for name in names if name not in sys.stdlib_module_names and not name.startswith("_")))
"""


def test_the_sdk_needs_grpc_and_protobuf_only() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)

    assert set(done.stdout.split()) <= ALLOWED

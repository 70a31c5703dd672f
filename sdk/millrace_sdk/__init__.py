"""Millrace for programs: `serve` makes a function a handler, `Producer` puts records."""

from millrace_sdk.failure import BatchItemFailure, Failures, Unretryable
from millrace_sdk.record import Batch, Record
from millrace_sdk.server import serve

__all__ = [
    "Batch",
    "BatchItemFailure",
    "Failures",
    "Record",
    "Unretryable",
    "serve",
]

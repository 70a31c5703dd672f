"""Millrace for programs: `serve` makes a function a handler, `Producer` puts records."""

from millrace_sdk.failure import BatchItemFailure, Failures, Unretryable
from millrace_sdk.producer import Producer
from millrace_sdk.producer_settings import ProducerSettings
from millrace_sdk.put import PutResult
from millrace_sdk.record import Batch, Record
from millrace_sdk.refusal import ProducerClosed, PutFailed
from millrace_sdk.server import serve

__all__ = [
    "Batch",
    "BatchItemFailure",
    "Failures",
    "Producer",
    "ProducerClosed",
    "ProducerSettings",
    "PutFailed",
    "PutResult",
    "Record",
    "Unretryable",
    "serve",
]

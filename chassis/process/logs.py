"""Logs: one line a fact, a constant event word plus fields, to stderr; JSON unless a person is watching."""

import logging
import sys
from typing import TextIO

import structlog
from structlog.typing import Processor

_GRPC_LOG = "grpc._cython.cygrpc"
_DEPARTURE = "ExecuteBatchError raised in core"


def configure(level: str = "INFO", *, stream: TextIO | None = None) -> None:
    """Send all logs, the libraries' too, from this level on to the stream (stderr if none is given)."""
    output = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(output)],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    grpc_log = logging.getLogger(_GRPC_LOG)
    if _is_no_departure not in grpc_log.filters:
        grpc_log.addFilter(_is_no_departure)
    # A log that cannot be written, on a full disk or a closed pipe, is no reason to stop serving or to say so again.
    logging.raiseExceptions = False


def _is_no_departure(record: logging.LogRecord) -> bool:
    """False for what gRPC says, with a traceback, when a caller left while its answer was sent: the call is counted."""
    return not record.getMessage().startswith(_DEPARTURE)


def _rendering(output: TextIO) -> list[Processor]:
    if output.isatty():
        return [structlog.dev.ConsoleRenderer()]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]

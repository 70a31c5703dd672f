"""Which mapping is meant: ids are long, and people know streams."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from millrace.mapping.v1 import event_source_mapping_service_pb2

from millrace_cli import calling
from millrace_cli.exit_codes import ExitCode
from millrace_cli.failure import UsageFailed, VerbFailed

EVENT_SOURCE_PREFIX = "streams/"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


async def mapping_id(service: calling.Service, text: str) -> str:
    """The id that is meant; a whole id is taken as it is. Raises UsageFailed, VerbFailed and CallFailed."""
    if _UUID.fullmatch(text):
        return text
    request = event_source_mapping_service_pb2.ListEventSourceMappingsRequest()
    known = [each async for each in service.pages("ListEventSourceMappings", request, "mappings")]
    return str(choose(text, known).mapping_id)


def choose(text: str, known: Sequence[Any]) -> Any:
    """The only mapping of that stream, or the only one whose id begins like that.

    Raises VerbFailed when there is none, UsageFailed with those that it may be when there are several.
    """
    if not text:
        raise UsageFailed("the mapping is empty; name its id, the beginning of it, or its stream")
    stream = text.removeprefix(EVENT_SOURCE_PREFIX)
    found = [
        each
        for each in known
        if each.event_source == EVENT_SOURCE_PREFIX + stream or each.mapping_id.startswith(text.lower())
    ]
    if not found:
        raise VerbFailed(
            f"no mapping has an id that begins with {text!r}, and no stream of that name has a mapping; "
            "see: millrace mapping list",
            ExitCode.NOT_FOUND,
        )
    if len(found) > 1:
        listed = "\n".join(f"  {each.mapping_id}  {each.event_source} to {each.handler_name}" for each in found)
        raise UsageFailed(f"{text!r} may be one of {len(found)} mappings; name its id:\n{listed}")
    return found[0]

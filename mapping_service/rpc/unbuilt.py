"""RPCs that the contract has and this version does not serve."""

from collections.abc import Awaitable, Callable
from typing import Any

from chassis.errors import NotImplementedHere

ADVICE = "a later version will serve it; see CHANGELOG.md"


def refuse(rpc: str) -> Callable[[Any, Any, Any], Awaitable[Any]]:
    """A method of a servicer that says so, unary or streaming."""

    async def method(self: Any, request: Any, context: Any) -> Any:
        raise NotImplementedHere(rpc, ADVICE)

    method.__name__ = rpc
    method.__doc__ = "Not served yet. Raises NotImplementedHere."
    return method

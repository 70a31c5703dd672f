"""Makes a function a verb: the options that all verbs share, examples in its help, its exit code.

    @verb(app, "create", uses=("stream",), examples=["millrace stream create orders --shards 4"])
    async def create(session: Session, name: StreamName) -> None:
        \"\"\"Create a stream.\"\"\"

Only its signature is needed for help and completion. What it needs to run it imports itself, so that `--help` is fast.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import Annotated, Any, Literal, TypeAlias, get_type_hints

import typer

from millrace_cli import completion
from millrace_cli.addresses import Asked
from millrace_cli.output_form import Output
from millrace_cli.session import Session

Verb: TypeAlias = Callable[..., Coroutine[Any, Any, int | None]]
Uses: TypeAlias = Literal["stream", "mapping"]

TIMEOUT_SECONDS = 10.0
TIMEOUT_SECONDS_MAX = 3_600.0

_OPTIONS: dict[str, Any] = {
    "context": Annotated[
        str | None,
        typer.Option(help="Named addresses to use; see `millrace context`.", autocompletion=completion.contexts),
    ],
    "stream_address": Annotated[
        str | None, typer.Option(help="HOST:PORT of the stream service; else MILLRACE_STREAM_ADDRESS or the context.")
    ],
    "mapping_address": Annotated[
        str | None, typer.Option(help="HOST:PORT of the mapping service; else MILLRACE_MAPPING_ADDRESS or the context.")
    ],
    "timeout": Annotated[
        float, typer.Option(help="Deadline of one call, in seconds.", min=0.001, max=TIMEOUT_SECONDS_MAX)
    ],
    "output": Annotated[Output, typer.Option("--output", "-o", help="How results are printed, on standard output.")],
}
_DEFAULTS: dict[str, Any] = {"timeout": TIMEOUT_SECONDS, "output": Output.TABLE}


def verb(
    app: typer.Typer,
    name: str,
    *,
    examples: Sequence[str],
    uses: Sequence[Uses] = (),
    is_printing: bool = True,
    help_end: str = "",
) -> Callable[[Verb], Verb]:
    """Register a coroutine function as a verb; its first parameter is the session.

    `uses` says which services it calls, `is_printing` whether it prints data (--output), `help_end` is put before the
    examples with its lines as they are. It returns an exit code or None for done, and raises VerbFailed.
    """

    def register(function: Verb) -> Verb:
        shared = _shared(uses, is_printing=is_printing)
        app.command(name, epilog=_epilog(examples, help_end))(_runnable(function, shared))
        return function

    return register


def _shared(uses: Sequence[Uses], *, is_printing: bool) -> list[str]:
    calls = ["context", *(f"{each}_address" for each in uses), "timeout"] if uses else []
    return [*calls, *(["output"] if is_printing else [])]


def _epilog(examples: Sequence[str], help_end: str) -> str:
    parts = [f"\b\n{help_end}\n\n"] if help_end else []
    return "".join([*parts, "\b\nExamples:\n", *(f"  {example}\n" for example in examples)])


def _runnable(function: Verb, shared: Sequence[str]) -> Callable[..., None]:
    """A plain function with the verb's parameters, without the session, and the shared options."""
    hints = get_type_hints(function, include_extras=True)
    _, *own = inspect.signature(function).parameters.values()
    kind = inspect.Parameter.KEYWORD_ONLY
    parameters = [each.replace(annotation=hints[each.name], kind=kind) for each in own]
    parameters += [
        inspect.Parameter(each, kind, default=_DEFAULTS.get(each), annotation=_OPTIONS[each]) for each in shared
    ]

    def run(**arguments: Any) -> None:
        from millrace_cli import ending

        session = _session({each: arguments.pop(each) for each in shared})
        sys.exit(ending.run(function(session, **arguments)))

    run.__name__, run.__doc__, run.__module__ = function.__name__, function.__doc__, function.__module__
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # functions may have one
    return run


def _session(options: dict[str, Any]) -> Session:
    asked = Asked(**{each: options.get(each) for each in ("context", "stream_address", "mapping_address")})
    return Session(
        asked=asked,
        timeout_seconds=options.get("timeout", TIMEOUT_SECONDS),
        output=options.get("output", Output.TABLE),
    )

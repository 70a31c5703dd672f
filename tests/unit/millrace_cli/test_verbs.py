"""What every verb has: help, examples that parse, and nothing heavy in its help."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main
from millrace_cli import exit_codes, main

ROOT: Any = typer.main.get_command(main.app)


def verbs(command: Any = ROOT, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """All that do something, with the words that name them."""
    if not hasattr(command, "commands"):
        yield path, command
        return
    for name, each in sorted(command.commands.items()):
        yield from verbs(each, (*path, name))


VERBS = dict(verbs())


def examples(command: Any) -> list[str]:
    """The lines of its help after `Examples:`."""
    _, _, after = (command.epilog or "").partition("Examples:\n")
    return [line.strip() for line in after.splitlines() if line.strip()]


def calls(line: str) -> list[list[str]]:
    """The arguments of each `millrace` in a line of shell."""
    words = shlex.shlex(line, posix=True, punctuation_chars="|&;")
    words.whitespace_split = True
    pieces: list[list[str]] = [[]]
    for word in words:
        if word in ("|", "||", "&&", ";"):
            pieces.append([])
        else:
            pieces[-1].append(word)
    return [piece[1:] for piece in pieces if piece and piece[0] == "millrace"]


def parse(arguments: list[str]) -> Any:
    """The verb that these arguments call, after all of them were read. Raises for what does not parse."""
    command, name, rest, parent = ROOT, "millrace", arguments, None
    while hasattr(command, "commands"):
        parent = command.make_context(name, rest, parent=parent)
        name, command, rest = command.resolve_command(parent, [*parent._protected_args, *parent.args])
    command.make_context(name, rest, parent=parent)
    return command


def named(path: tuple[str, ...]) -> str:
    return " ".join(path)


@pytest.mark.parametrize("path", VERBS, ids=named)
def test_every_verb_has_examples_and_each_of_them_parses(path: tuple[str, ...]) -> None:
    lines = examples(VERBS[path])

    called = [parse(call) for line in lines for call in calls(line)]

    assert lines, f"millrace {named(path)} has no Examples"
    assert len(called) >= len(lines)
    assert VERBS[path] in called


def test_an_example_that_does_not_parse_is_caught() -> None:
    for call in (["put"], ["stream", "create", "x", "--shards", "many"], ["get", "orders", "--nix"], ["nix"]):
        with pytest.raises(Exception, match=r".") as caught:
            parse(call)
        assert type(caught.value).__name__ in ("MissingParameter", "BadParameter", "NoSuchOption", "UsageError")


@pytest.mark.parametrize("path", VERBS, ids=named)
def test_every_verb_and_every_option_is_explained(path: tuple[str, ...]) -> None:
    command = VERBS[path]

    assert (command.help or "").strip().endswith((".", "it."))
    assert [each.name for each in command.params if each.name != "help" and not getattr(each, "help", "")] == []


def test_there_are_the_verbs_that_the_readme_names() -> None:
    expected = {
        *(("stream", verb) for verb in ("create", "list", "describe", "delete", "shards")),
        *(("context", verb) for verb in ("add", "use", "list", "remove", "show")),
        *((verb,) for verb in ("demo", "dev", "put", "get", "tail")),
    }

    assert expected <= set(VERBS)


def test_the_help_of_the_command_tells_the_exit_codes() -> None:
    assert ROOT.epilog == exit_codes.as_help()

"""The documents that a newcomer follows do what they say, command by command."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import tutorial

CLONE = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["README.md", "docs/tutorial.md"])
def test_a_document_that_is_followed_shows_what_it_promises(name: str, tmp_path: Path) -> None:
    ports = tutorial.free_ports()
    steps = tutorial.blocks(CLONE / name, ports)

    assert len(steps) > 3
    with tutorial.Reader(tmp_path, ports) as reader:
        for step in steps:
            reader.follow(step)


@pytest.mark.parametrize("name", ["README.md", "docs/tutorial.md"])
def test_every_block_of_commands_in_a_document_is_run(name: str) -> None:
    text = (CLONE / name).read_text()

    assert text.count("```console") == sum(
        step.text.startswith("$ ") for step in tutorial.blocks(CLONE / name, {"0": "0"})
    )

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from millrace_cli.records.splitting import Line, Splitter


def split(chunks: list[bytes], bytes_max: int = 100) -> list[Line]:
    splitter = Splitter(bytes_max)
    lines = [line for chunk in chunks for line in splitter.feed(chunk)]
    return [*lines, *splitter.close()]


@given(st.binary(max_size=60), st.lists(st.integers(0, 60), max_size=6))
def test_lines_are_the_same_however_they_are_cut_into_chunks(text: bytes, cuts: list[int]) -> None:
    ends = sorted({0, len(text), *(min(cut, len(text)) for cut in cuts)})
    chunks = [text[start:end] for start, end in itertools.pairwise(ends)]

    expected = text.split(b"\n")
    if expected[-1] == b"":
        expected.pop()
    assert [line.data for line in split(chunks)] == expected


@pytest.mark.parametrize("chunk_bytes", [1, 3, 1_000])
def test_a_line_that_is_too_long_is_cut_told_and_takes_no_other_with_it(chunk_bytes: int) -> None:
    text = b"before\n" + b"x" * 500 + b"\nafter\n" + b"y" * 101
    chunks = [text[start : start + chunk_bytes] for start in range(0, len(text), chunk_bytes)]

    lines = split(chunks)

    assert [(line.size_bytes, len(line.data), line.is_cut) for line in lines] == [
        (6, 6, False),
        (500, 100, True),
        (5, 5, False),
        (101, 100, True),
    ]


def test_empty_lines_are_lines_and_nothing_is_none() -> None:
    assert [line.data for line in split([b"\n\na"])] == [b"", b"", b"a"]
    assert split([]) == []

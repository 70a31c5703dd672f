from __future__ import annotations

from millrace_cli.records.lineage import Lineage


def test_shards_without_parents_start_at_once_and_once() -> None:
    lineage = Lineage()
    lineage.add("b", [""])
    lineage.add("a", ())

    assert list(lineage.startable()) == ["a", "b"]
    assert list(lineage.startable()) == []


def test_a_child_waits_for_the_end_of_its_parent() -> None:
    lineage = Lineage()
    lineage.add("parent", ())
    lineage.add("child", ["parent"])

    assert list(lineage.startable()) == ["parent"]
    lineage.end("parent")
    assert list(lineage.startable()) == ["child"]


def test_a_merged_child_waits_for_both_parents_although_each_names_it() -> None:
    lineage = Lineage()
    for parent in ("left", "right"):
        lineage.add(parent, ())
    lineage.startable()

    lineage.end("left")
    lineage.add("child", ["left", "right"])
    assert list(lineage.startable()) == []
    lineage.end("right")
    lineage.add("child", ["left", "right"])
    assert list(lineage.startable()) == ["child"]
    assert list(lineage.startable()) == []


def test_a_parent_that_is_not_read_is_none_to_wait_for() -> None:
    lineage = Lineage()
    lineage.add("child", ["trimmed long ago", "read"])
    lineage.add("read", ())

    assert list(lineage.startable()) == ["read"]
    lineage.end("read")
    assert list(lineage.startable()) == ["child"]

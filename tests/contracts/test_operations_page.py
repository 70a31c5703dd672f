"""docs/operations.md says what the code says: the parts that `make docs` writes are current."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from mapping_service.settings import Settings as MappingSettings
from stream_service.settings import Settings as StreamSettings

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="metrics of a process are those of Linux")
def test_the_page_is_current(generate: ModuleType) -> None:
    text = (DOCS / "operations.md").read_text()

    assert generate.page(text) == text, "run `make docs`"


def test_every_setting_is_on_the_page_with_its_default(generate: ModuleType) -> None:
    text = (DOCS / "operations.md").read_text()

    for kind in (StreamSettings, MappingSettings):
        for name, field in kind.model_fields.items():
            variable = f"{kind.model_config['env_prefix']}{name.upper()}"
            default = str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
            assert f"| `{variable}` | `{default.removesuffix('.0')}` |" in text


def test_what_the_page_says_of_problems_and_events_is_what_the_code_says() -> None:
    section = (DOCS / "operations.md").read_text().partition("## When a shard does not move")[2].partition("\n## ")[0]
    problems = re.findall(r"`PROBLEM: ([^`]+)`", section)
    events = re.findall(r"^\| `([a-z_]+)` \|", section, re.MULTILINE)
    rooms = (DOCS.parent / "mapping_service", DOCS.parent / "chassis")
    code = "".join(path.read_text() for room in rooms for path in sorted(room.rglob("*.py")))

    assert len(problems) > 8
    assert len(events) > 4
    for text in problems:
        for fragment in re.split(r"\b[A-Z]{4,}\b|\.\.\.", text):
            assert fragment.strip(" ,:") in code, text
    for event in events:
        assert f'"{event}"' in code


def test_a_page_without_a_place_for_a_part_is_refused(generate: ModuleType) -> None:
    with pytest.raises(ValueError, match="begin settings of the stream service"):
        generate.page("# Operations\n")

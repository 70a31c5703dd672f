"""Writes the parts of docs/operations.md that the code knows best: `make docs`.

Each part stands between two comments, `<!-- begin NAME -->` and `<!-- end NAME -->`. A test holds the page to the code.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from millrace_cli import exit_codes
from pydantic.fields import FieldInfo

import mapping_service.metrics
import mapping_service.settings
import stream_service.metrics
import stream_service.settings
from chassis.metrics import Kind, Metric
from chassis.process import metrics_page
from chassis.process.settings import ServiceSettings

PAGE = Path(__file__).parent / "operations.md"
_UNITS = {"_seconds": "seconds", "_bytes": "bytes", "_millis": "milliseconds"}
_BOUNDS = {"ge": "at least {}", "gt": "above {}", "le": "at most {}", "lt": "below {}"}


def page(text: str) -> str:
    """The page with its generated parts made anew."""
    for name, made in parts().items():
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        pattern = re.compile(f"{re.escape(begin)}\n.*?{re.escape(end)}", re.DOTALL)
        if len(pattern.findall(text)) != 1:
            raise ValueError(f"{PAGE.name} must have {begin} and {end} once")
        text = pattern.sub(lambda _, made=made, begin=begin, end=end: f"{begin}\n\n{made}\n{end}", text)  # type: ignore[misc]
    return text


def parts() -> dict[str, str]:
    """What is generated, by its name on the page."""
    return {
        "settings of the stream service": settings_table(stream_service.settings.Settings),
        "settings of the mapping service": settings_table(mapping_service.settings.Settings),
        "metrics of both services": metrics_table([*_common_metrics(), *metrics_page.process_metrics()]),
        "metrics of the stream service": metrics_table(_own_metrics(stream_service.metrics.METRICS)),
        "metrics of the mapping service": metrics_table(_own_metrics(mapping_service.metrics.METRICS)),
        "exit codes of the command": exit_codes_table(),
    }


def exit_codes_table() -> str:
    """What the exit codes of `millrace` mean."""
    rows = [f"| {code.value} | {meaning} |" for code, meaning in exit_codes.MEANINGS.items()]
    return "\n".join(["| Exit code | What it means |", "|---|---|", *rows]) + "\n"


def metrics_table(metrics: Iterable[Metric]) -> str:
    """Metrics by the names that they are queried by."""
    rows = ["| Metric | Kind | Labels | What it means |", "|---|---|---|---|"]
    for metric in metrics:
        name = f"{metric.name}_total" if metric.kind is Kind.COUNTER else metric.name
        labels = ", ".join(f"`{label}`" for label in metric.labels) or "none"
        rows.append(f"| `{name}` | {metric.kind.value} | {labels} | {metric.help.replace('|', chr(92) + '|')} |")
    return "\n".join(rows) + "\n"


def _common_metrics() -> list[Metric]:
    return [each for each in stream_service.metrics.METRICS if each in mapping_service.metrics.METRICS]


def _own_metrics(metrics: Iterable[Metric]) -> list[Metric]:
    common = _common_metrics()
    return [each for each in metrics if each not in common]


def settings_table(kind: type[ServiceSettings]) -> str:
    """The variables of a service: its own first, then those that every service has."""
    common = ServiceSettings.model_fields
    fields = sorted(kind.model_fields.items(), key=lambda item: item[0] in common)
    rows = ["| Variable | Default | Values | What it says |", "|---|---|---|---|"]
    for name, field in fields:
        variable = f"{kind.model_config['env_prefix']}{name.upper()}"
        cells = (f"`{variable}`", f"`{_shown(field.default)}`", _values(name, field), _said(field))
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _values(name: str, field: FieldInfo) -> str:
    """Unit and range, or the choices."""
    if get_origin(field.annotation) is Literal:
        return ", ".join(f"`{each}`" for each in get_args(field.annotation))
    if field.annotation is bool:
        return "`true`, `false`"
    unit = next((unit for suffix, unit in _UNITS.items() if name.endswith(suffix)), "")
    bounds = ", ".join(_bounds(field))
    return ", ".join(part for part in (unit, bounds) if part) or "text"


def _bounds(field: FieldInfo) -> list[str]:
    found: list[tuple[str, Any]] = [
        (text, getattr(each, bound))
        for each in field.metadata
        for bound, text in _BOUNDS.items()
        if hasattr(each, bound)
    ]
    return [text.format(_shown(limit)) for text, limit in found]


def _said(field: FieldInfo) -> str:
    """The description without its default, which has a column of its own."""
    return re.sub(r"\s*Default \S+?\.$", "", field.description or "").replace("|", "\\|")


def main() -> int:
    """Write the page."""
    PAGE.write_text(page(PAGE.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

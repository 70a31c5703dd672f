"""Reads a service's /metrics as Prometheus would."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Iterable

from prometheus_client import parser

Scraped = dict[str, dict[tuple[tuple[str, str], ...], float]]
"""Samples by name, then by their labels in the order of the labels' names."""


def admin_address(log: Iterable[str]) -> str:
    """Where the admin port listens, by a service's log: the last time it said so."""
    lines = [json.loads(line) for line in log if line.startswith("{")]
    return str([line["address"] for line in lines if line["event"] == "admin_listens"][-1])


async def scrape(address: str) -> Scraped:
    """All samples."""
    text = (await request(address, "GET", "/metrics"))[1]
    found: Scraped = {}
    for family in parser.text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


async def families(address: str) -> dict[str, str]:
    """The help of each family by its name."""
    text = (await request(address, "GET", "/metrics"))[1]
    return {family.name: family.documentation for family in parser.text_string_to_metric_families(text)}


async def request(address: str, method: str, path: str, **headers: str) -> tuple[int, str, str]:
    """One HTTP request: status, body and content type."""
    return await asyncio.to_thread(_request, address, method, path, headers)


def _request(address: str, method: str, path: str, headers: dict[str, str]) -> tuple[int, str, str]:
    connection = http.client.HTTPConnection(address, timeout=20)
    try:
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        return response.status, response.read().decode(), response.headers["Content-Type"]
    finally:
        connection.close()

"""Settings from the environment: one prefix per service, checked as a whole at start."""

import os
from collections.abc import Mapping
from typing import ClassVar, Literal, TypeVar

import pydantic
import pydantic_settings

from chassis.errors import StartRefused
from chassis.process import addresses


class SettingsRefused(StartRefused):
    """One or more settings are wrong; the message names each."""

    exit_code: ClassVar[int] = 2


class ServiceSettings(pydantic_settings.BaseSettings):
    """What both services can be told. A service's own class adds fields and `env_prefix`; all are frozen."""

    model_config = pydantic_settings.SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = pydantic.Field(
        default="INFO", description="The least that is logged. Default INFO."
    )
    drain_timeout_seconds: float = pydantic.Field(
        default=10.0, ge=0, le=3600, description="How long a stop waits for what is under way, in seconds. Default 10."
    )
    admin_address: str = pydantic.Field(
        default="off",
        description="HOST:PORT where GET /metrics answers over HTTP; port 0 takes a free one, `off` none. Default off.",
    )
    tracing: Literal["auto", "on", "off"] = pydantic.Field(
        default="auto",
        description="Traces by OpenTelemetry: auto (where millrace[otel] is installed and "
        "OTEL_EXPORTER_OTLP_ENDPOINT is set), on (the start is refused without millrace[otel]) or off. Default auto.",
    )
    reflection: bool = pydantic.Field(default=True, description="Whether tools may ask for the API. Default true.")

    @pydantic.field_validator("admin_address")
    @classmethod
    def _is_address_or_off(cls, value: str) -> str:
        if value == "off":
            return value
        try:
            addresses.parse(value)
        except addresses.AddressRefused as refused:
            raise ValueError("it is neither HOST:PORT nor off; an example: 127.0.0.1:7411") from refused
        return value


S = TypeVar("S", bound=ServiceSettings)


def load(kind: type[S]) -> S:
    """The settings of a service from the environment. Raises SettingsRefused with all that is wrong."""
    try:
        return kind()
    except pydantic.ValidationError as error:
        problems = "\n".join(f"  {_name(kind, problem['loc'])}: {problem['msg']}" for problem in error.errors())
        raise SettingsRefused(f"settings that cannot be used:\n{problems}") from error


def unknown_names(kind: type[ServiceSettings], environment: Mapping[str, str] = os.environ) -> list[str]:
    """Variables with the service's prefix that are none of its settings: most likely misspelt ones, in order."""
    prefix = _prefix(kind)
    # The command's variable for where a service is; a person may have it in the shell that starts one.
    known = {f"{prefix}{field.upper()}" for field in kind.model_fields} | {f"{prefix}ADDRESS"}
    return sorted(name for name in environment if name.upper().startswith(prefix) and name.upper() not in known)


def _name(kind: type[ServiceSettings], location: tuple[int | str, ...]) -> str:
    """The variable of a field, never its value: it may be a secret."""
    return _prefix(kind) + ".".join(str(part) for part in location).upper()


def _prefix(kind: type[ServiceSettings]) -> str:
    return str(kind.model_config.get("env_prefix", "")).upper()

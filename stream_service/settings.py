"""What the stream service can be told by its environment."""

from __future__ import annotations

from typing import ClassVar

import pydantic
import pydantic_settings

from chassis.process import settings


class Settings(settings.ServiceSettings):
    """Settings of the stream service: MILLRACE_STREAM_ and the name in capitals."""

    model_config: ClassVar[pydantic_settings.SettingsConfigDict] = {"env_prefix": "MILLRACE_STREAM_"}

    listen: str = pydantic.Field(
        default="127.0.0.1:7410", description="HOST:PORT to listen on; port 0 takes a free one. Default 127.0.0.1:7410."
    )
    database_url: str = pydantic.Field(
        default="sqlite:///data/stream.db",
        description="The database: a file, whose folder is made, or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE. "
        "Default sqlite:///data/stream.db.",
    )
    trim_interval_seconds: float = pydantic.Field(
        default=60.0, ge=0.1, le=3600, description="Time between two passes of trimming, in seconds. Default 60."
    )

"""What the mapping service can be told, by environment variables with the prefix MILLRACE_MAPPING_."""

import pydantic
import pydantic_settings

from chassis.process import settings
from mapping_service.core.handler import is_endpoint


class Settings(settings.ServiceSettings):
    """Settings of the mapping service."""

    model_config = pydantic_settings.SettingsConfigDict(env_prefix="MILLRACE_MAPPING_")

    listen: str = pydantic.Field(
        default="127.0.0.1:7420", description="HOST:PORT to listen on; port 0 takes a free one. Default 127.0.0.1:7420."
    )
    database_url: str = pydantic.Field(
        default="sqlite:///data/mapping.db",
        description="The database; its folder is made. Default sqlite:///data/mapping.db.",
    )
    stream_service: str = pydantic.Field(
        default="127.0.0.1:7410",
        description="HOST:PORT of the stream service; it need not be up. Default 127.0.0.1:7410.",
    )
    lease_seconds: float = pydantic.Field(
        default=10.0,
        ge=1,
        le=300,
        description="How long a worker may stand still before others take over, in seconds. Default 10.",
    )

    @pydantic.field_validator("stream_service")
    @classmethod
    def _is_address(cls, value: str) -> str:
        if not is_endpoint(value):
            raise ValueError("it is not host:port; an example: 127.0.0.1:7410")
        return value

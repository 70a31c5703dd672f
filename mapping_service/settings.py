"""What the mapping service can be told, by environment variables with the prefix MILLRACE_MAPPING_."""

import pydantic
import pydantic_settings

from chassis.process import settings
from mapping_service.core.handler import is_endpoint


class Settings(settings.ServiceSettings):
    """Settings of the mapping service."""

    model_config = pydantic_settings.SettingsConfigDict(env_prefix="MILLRACE_MAPPING_")

    listen: str = pydantic.Field(
        default="127.0.0.1:7420", description="Where to serve, host:port; port 0 takes a free one and prints it."
    )
    database_url: str = pydantic.Field(
        default="sqlite:///data/mapping.db", description="Where mappings are kept; the folder is made."
    )
    stream_service: str = pydantic.Field(
        default="127.0.0.1:7410", description="Address of the stream service, host:port; it need not be up."
    )
    lease_seconds: float = pydantic.Field(
        default=10.0, ge=1, le=300, description="How long a worker may stand still before others take over. Default 10."
    )

    @pydantic.field_validator("stream_service")
    @classmethod
    def _is_address(cls, value: str) -> str:
        if not is_endpoint(value):
            raise ValueError("it is not host:port; an example: 127.0.0.1:7410")
        return value

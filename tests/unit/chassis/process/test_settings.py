from typing import ClassVar

import pydantic
import pydantic_settings
import pytest

from chassis.process import settings


class MillSettings(settings.ServiceSettings):
    model_config: ClassVar[pydantic_settings.SettingsConfigDict] = {"env_prefix": "MILL_"}

    wheels: int = pydantic.Field(default=1, ge=1)
    secret: str = pydantic.Field(default="", max_length=4)


def test_settings_have_defaults_and_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILL_WHEELS", "3")
    monkeypatch.setenv("MILL_LOG_LEVEL", "")

    loaded = settings.load(MillSettings)

    assert (loaded.wheels, loaded.log_level, loaded.drain_timeout_seconds) == (3, "INFO", 10.0)


def test_settings_are_refused_all_at_once_by_name_and_without_their_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILL_WHEELS", "none")
    monkeypatch.setenv("MILL_SECRET", "hunter2")
    monkeypatch.setenv("MILL_LOG_LEVEL", "LOUD")

    with pytest.raises(settings.SettingsRefused) as refused:
        settings.load(MillSettings)

    assert all(name in str(refused.value) for name in ("MILL_WHEELS", "MILL_SECRET", "MILL_LOG_LEVEL"))
    assert "hunter2" not in str(refused.value)
    assert refused.value.exit_code == 2


def test_settings_do_not_change() -> None:
    with pytest.raises(pydantic.ValidationError):
        settings.load(MillSettings).wheels = 2  # type: ignore[misc]


def test_a_misspelt_setting_is_found() -> None:
    environment = {"MILL_WHEEL": "3", "MILL_WHEELS": "3", "MILL_LOG_LEVEL": "INFO", "MILL_ADDRESS": "a", "OTHER": "x"}

    assert settings.unknown_names(MillSettings, environment) == ["MILL_WHEEL"]


@pytest.mark.parametrize("value", ["127.0.0.1", "on", ":7411", "127.0.0.1:99999", "127.0.0.1:"])
def test_an_admin_address_that_is_none_is_refused_by_name(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILL_ADMIN_ADDRESS", value)

    with pytest.raises(settings.SettingsRefused, match=r"MILL_ADMIN_ADDRESS.*an example: 127\.0\.0\.1:7411"):
        settings.load(MillSettings)


@pytest.mark.parametrize("value", ["off", "127.0.0.1:0", "[::1]:7411"])
def test_an_admin_address_is_taken_as_it_is(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILL_ADMIN_ADDRESS", value)

    assert settings.load(MillSettings).admin_address == value

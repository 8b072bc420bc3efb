"""What the host reads from host.json, local.settings.json and its own environment variables."""

import json
import os
import re
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

_CPUS = os.cpu_count() or 1
_REFERENCE = re.compile(r"%([^%]+)%")
_TIMESPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})")


class SettingsError(Exception):
    """host.json or local.settings.json cannot be used; the message says why."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Http(_Section):
    prefix: str = Field("api", alias="routePrefix")


class _DurableTask(_Section):
    hub: str = Field("LocalHub", alias="hubName")
    activities: int = Field(10 * _CPUS, alias="maxConcurrentActivityFunctions", gt=0)
    orchestrators: int = Field(10 * _CPUS, alias="maxConcurrentOrchestratorFunctions", gt=0)
    actions: int = Field(100_000, alias="maxOrchestrationActions", gt=0)


class _Extensions(_Section):
    http: _Http = Field(_Http(), alias="http")
    durable: _DurableTask = Field(_DurableTask(), alias="durableTask")


class _HostFile(_Section):
    extensions: _Extensions = _Extensions()
    timeout: str | None = Field(None, alias="functionTimeout")


class HostSettings(BaseSettings):
    """Everything that can be set on the host. Environment variables carry the prefix `SWARMSTAR_HOST_`."""

    model_config = SettingsConfigDict(env_prefix="SWARMSTAR_HOST_", frozen=True, extra="ignore")

    #: From host.json; they mean what they mean on Azure.
    route_prefix: str = "api"
    hub_name: str = "LocalHub"
    max_activities: int = Field(10 * _CPUS, gt=0)
    max_orchestrators: int = Field(10 * _CPUS, gt=0)
    max_actions: int = Field(100_000, gt=0)
    function_timeout: timedelta | None = timedelta(minutes=30)

    #: Largest request body an app route takes, in bytes: as on Azure, where an app setting raises it.
    body_limit: int = Field(100 << 20, gt=0)
    #: Most bodies over a megabyte that are in memory at once; more of them wait on disk.
    large_bodies: int = Field(2, gt=0)
    #: Most messages that may wait for one orchestration.
    inbox_limit: int = Field(100_000, gt=0)
    #: Finished orchestrations kept, and for how many seconds; what is over either bound is purged.
    keep_finished: int = Field(1000, ge=0)
    keep_seconds: float = Field(86_400, ge=0)
    #: Like Azure: an orchestration that has returned stays Running until its open tasks have ended.
    wait_for_open_tasks: bool = True
    #: Key of the management endpoints; a new random one for every process unless it is set.
    key: str = Field(default_factory=lambda: secrets.token_urlsafe(24), min_length=16)
    #: Names a request may use for this host. Anything else is refused: it is a web page that rebinds its name.
    names: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")
    #: Threads for functions that are not `async def`.
    threads: int = Field(min(32, _CPUS + 4), gt=0)
    log_level: str = "INFO"

    @classmethod
    def load(cls, root: Path) -> "HostSettings":
        """Read `root/host.json` and the environment."""
        try:
            file = _HostFile.model_validate(_read_json(root / "host.json"))
            durable = file.extensions.durable
            return cls(
                route_prefix=file.extensions.http.prefix.strip("/"),
                hub_name=_hub_name(durable.hub),
                max_activities=durable.activities,
                max_orchestrators=durable.orchestrators,
                max_actions=durable.actions,
                function_timeout=_timeout(file.timeout),
            )
        except ValidationError as error:
            raise SettingsError(f"host.json or a SWARMSTAR_HOST_ variable is not valid: {error}") from None


def apply_local_settings(root: Path) -> None:
    """Put `Values` of `root/local.settings.json` into the environment; what is already set there stays."""
    values = _read_json(root / "local.settings.json").get("Values", {})
    for name, value in values.items():
        os.environ.setdefault(name, str(value))


def expand(text: str) -> str:
    """Replace each `%NAME%` in a binding's property by that app setting; raise `SettingsError` if it is not set."""

    def lookup(match: re.Match[str]) -> str:
        value = os.environ.get(match[1])
        if value is None:
            raise SettingsError(f"the app setting {match[1]!r}, which {text!r} refers to, is not set")
        return value

    return _REFERENCE.sub(lookup, text)


def parse_timespan(text: str) -> timedelta | None:
    """Read a .NET time span, `[d.]hh:mm:ss`; None if the text is not one."""
    match = _TIMESPAN.fullmatch(text.strip())
    if match is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _hub_name(text: str) -> str:
    """On Azure an app setting may name the hub; here one state file is one hub, and any name will do."""
    try:
        return expand(text)
    except SettingsError:
        return "LocalHub"


def _timeout(text: str | None) -> timedelta | None:
    """`functionTimeout`: absent means 30 minutes, -1 means none."""
    if text is None:
        return timedelta(minutes=30)
    if text.strip() in {"-1", "-00:00:01"}:
        return None
    span = parse_timespan(text)
    if not span:
        raise SettingsError(f"functionTimeout {text!r} in host.json is not a time span like 00:10:00")
    return span


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise SettingsError(f"{path} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise SettingsError(f"{path} does not hold a JSON object")
    return value

"""What the set-up leaves in a folder for the adapters: the component, its library, the deployment's packages."""

import json
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.errors import InvalidInput

MANIFEST = "manifest.json"


class Package(BaseModel):
    """A package of the deployment's list."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    version: str
    #: Top-level modules that it provides.
    modules: tuple[str, ...]
    #: Why an engine without compiled packages cannot have it; None if it can.
    compiled: str | None = None


class Manifest(BaseModel):
    """Describes an installation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Annotated[int, Field(ge=1, le=1)] = 1
    #: `linux-x86_64` and the like: where the compiled component runs.
    platform: str
    #: The version of wasmtime that compiled it, and of the Python in it.
    wasmtime: str
    python: str
    packages: tuple[Package, ...]


class Installation:
    """An installation that can be used by this process."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.manifest = manifest
        self.folder = folder
        self.component = folder / "sandbox.cwasm"
        self.library = folder / "python"
        self.packages = folder / "packages"

    @classmethod
    def open(cls, folder: Path) -> "Installation":
        """The installation in a folder; raises `InvalidInput` that says what is wrong with it and how to mend it."""
        mend = "run `make sandbox`, which prepares one and says where"
        try:
            manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
        except OSError:
            raise InvalidInput(f"there is no sandbox in {folder}: {mend}") from None
        except (ValidationError, json.JSONDecodeError):
            raise InvalidInput(f"{folder / MANIFEST} is not of this version: {mend}") from None
        return cls(folder, manifest)

    def fault(self, platform: str) -> str | None:
        """Say why the component cannot run here; None if it can."""
        try:
            here = version("wasmtime")
        except PackageNotFoundError:
            return "the package wasmtime is not installed"
        if here != self.manifest.wasmtime:
            return f"it was compiled by wasmtime {self.manifest.wasmtime}, and {here} is installed"
        if platform != self.manifest.platform:
            return f"it was compiled for {self.manifest.platform}, and this is {platform}"
        return None if self.component.is_file() else f"{self.component} is missing"

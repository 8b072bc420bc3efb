"""What a generator makes of the OpenAPI document is sent to a live host: no 5xx, and no answer it does not describe."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from e2e_host import serving
from e2e_script import Script
from e2e_tenants import ADMIN_KEY, Tenants

from local.scripted import ScriptedModel
from shared.tenancy.api_keys import digest

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.fuzz, pytest.mark.slow]

#: Seconds for each of the two runs; FUZZ_SECONDS makes them longer.
SECONDS = int(os.environ.get("FUZZ_SECONDS", "15"))
#: What must hold of every answer, whatever was sent.
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "allow_header_conformance",
    "ignored_auth",
)

Fuzz = Callable[..., "asyncio.Future[subprocess.CompletedProcess[str]]"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def many(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Tenants]:
    """A host of its own: what is made here is rubbish. Its log must hold no traceback."""
    settings = {"SWARMSTAR_LOCAL_USER": "", "SWARMSTAR_ADMIN_KEY_SHA256": digest(ADMIN_KEY)}
    async with (
        ScriptedModel(Script().reply) as model,
        serving(tmp_path_factory.mktemp("fuzz"), model.base_url, **settings) as started,
    ):
        yield Tenants(started)


async def fuzz(url: str, key: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the generator over the document for a while, in a process of its own."""
    command = [
        *(str(Path(sys.executable).with_name("schemathesis")), "run", f"{url}/api/openapi.json"),
        *("--header", f"Authorization: Bearer {key}", "--checks", ",".join(CHECKS)),
        *("--max-time", str(SECONDS), "--request-timeout", "30", "--seed", "7", "--no-color"),
        # With a second worker CPython 3.11 may fail in `ast.parse` when both are in it (python/cpython#106905).
        *("--workers", "1"),
        *("--generation-database", "none", "--suppress-health-check", "all", "--warnings", "off"),
        *("--generation-with-security-parameters", "false"),
        *options,
    ]
    env = {name: value for name, value in os.environ.items() if not name.startswith(("SWARMSTAR_", "PYTEST"))}
    env |= {"SCHEMATHESIS_HOOKS": "fuzz_hooks", "PYTHONPATH": str(Path(__file__).parent)}
    return await asyncio.to_thread(
        subprocess.run, command, cwd=folder, env=env, capture_output=True, text=True, timeout=SECONDS * 5 + 60
    )


def passed(run: "subprocess.CompletedProcess[str]") -> None:
    """It found nothing, and did look."""
    assert run.returncode == 0, run.stdout[-12_000:] + run.stderr[-2_000:]
    assert "No issues found" in run.stdout, run.stdout[-2_000:]


async def test_the_routes_of_users(many: Tenants, tmp_path: Path) -> None:
    user = await many.user("Fuzz", requests_a_minute=1_000_000)
    passed(await fuzz(many.nobody.url, str(user.deployment.key), tmp_path, "--exclude-path-regex", "/admin/"))


async def test_the_routes_of_the_administrator(many: Tenants, tmp_path: Path) -> None:
    passed(await fuzz(many.nobody.url, ADMIN_KEY, tmp_path, "--include-path-regex", "/admin/"))

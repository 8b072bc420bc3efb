"""checkov, a checker of others with rules of its own, in a virtual environment of its own since it pins much."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from infra.checks.project import Finding

CHECK: Final = "checkov"
SECONDS: Final = 300

#: Rules that are not followed, and why. One that no longer fails is told of, so that the list stays true.
SKIPPED: Final = {
    "CKV_AZURE_13": "the app checks keys and tokens itself; the platform's sign-in can be put before it",
    "CKV_AZURE_17": "callers have keys or tokens, not certificates",
    "CKV_AZURE_35": "closed with `privateNetwork`; by default identities guard the accounts, which take no key",
    "CKV_AZURE_63": "of App Service with its own web server; the host logs to Application Insights",
    "CKV_AZURE_65": "of App Service with its own web server",
    "CKV_AZURE_66": "of App Service with its own web server",
    "CKV_AZURE_78": "Flex Consumption has no FTP and refuses the property",
    "CKV_AZURE_80": "no .NET here",
    "CKV_AZURE_88": "Flex Consumption takes its package from a blob container, without Azure Files",
    "CKV_AZURE_99": "closed with `privateNetwork`; by default identities guard the account, which takes no key",
    "CKV_AZURE_101": "closed with `privateNetwork`; by default identities guard the account, which takes no key",
    "CKV_AZURE_134": "closed with `privateNetwork`; by default identities guard the account, which takes no key",
    "CKV_AZURE_206": "replication over zones is a parameter, since it costs more and not every region has it",
    "CKV_AZURE_212": "Flex Consumption scales from zero; `durableAlwaysReady` keeps instances",
    "CKV_AZURE_213": "Flex Consumption watches its instances itself and has no such setting",
    "CKV_AZURE_222": "the app is what users call",
    "CKV_AZURE_225": "zones cost two instances that are always ready in each group",
    "CKV_AZURE_238": "the model's account calls no other service, so it needs no identity",
}


def run(program: Path, root: Path) -> dict[str, Any]:
    """Run checkov on `infra/`; its exit status says nothing of files that it could not read, so that is not asked."""
    command = [
        str(program),
        "--framework",
        "bicep",
        "--skip-download",
        "--soft-fail",
        "-o",
        "json",
        "-d",
        str(root / "infra"),
    ]
    # The program is the one of our own environment.
    done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)  # noqa: S603
    try:
        report: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise RuntimeError(f"checkov gave no report: {done.stderr.decode(errors='replace')[-2_000:]}") from None
    return report


def findings(report: dict[str, Any]) -> Iterator[Finding]:
    """What a report holds against the templates."""
    summary, results = report["summary"], report["results"]
    if summary["parsing_errors"] or not summary["passed"]:
        unread = ", ".join(results.get("parsing_errors") or [])
        yield Finding(CHECK, unread or "infra", f"checkov could not read {summary['parsing_errors']} files")
    failed = results.get("failed_checks", [])
    for one in failed:
        if one["check_id"] not in SKIPPED:
            where = f"infra{one['file_path']}:{one['file_line_range'][0]}"
            yield Finding(CHECK, where, f"{one['check_id']}: {one['check_name']} ({one['resource']})")
    for name in sorted(SKIPPED.keys() - {one["check_id"] for one in failed}):
        yield Finding(CHECK, "infra/checks/checkov.py", f"{name} is skipped, and nothing breaks it")

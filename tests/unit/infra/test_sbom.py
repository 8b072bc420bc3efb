"""The list of what is deployed: whole, and with what the app itself asks for."""

from pathlib import Path
from typing import Any

import pytest

from infra.sbom import finish

LOCK = """\
app-framework==1.0 \\
    --hash=sha256:aa
    # via -r requirements.txt
base_library==2.0 ; python_version >= '3' \\
    --hash=sha256:bb
only-elsewhere==3.0 ; sys_platform == 'nowhere' \\
    --hash=sha256:cc
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "requirements.txt").write_text("App_Framework==1.0\n")
    (tmp_path / "requirements.lock").write_text(LOCK)
    return tmp_path


def listed(*libraries: tuple[str, str]) -> dict[str, Any]:
    components = [{"name": name, "version": version, "bom-ref": f"{name}=={version}"} for name, version in libraries]
    dependencies = [{"ref": "root"}, *({"ref": one["bom-ref"]} for one in components)]
    return {"metadata": {"component": {"bom-ref": "root"}}, "components": components, "dependencies": dependencies}


def test_the_app_depends_on_what_its_requirements_name(root: Path) -> None:
    finished = finish(listed(("app-framework", "1.0"), ("base-library", "2.0")), root)

    assert finished["dependencies"] == [
        {"ref": "root", "dependsOn": ["app-framework==1.0"]},
        {"ref": "app-framework==1.0"},
        {"ref": "base-library==2.0"},
    ]


@pytest.mark.parametrize(
    ("libraries", "named"),
    [
        ([("app-framework", "1.0")], "base-library 2.0"),
        ([("app-framework", "1.0"), ("base-library", "2.1")], r"base-library 2\.0, base-library 2\.1"),
        ([("app-framework", "1.0"), ("base-library", "2.0"), ("stowaway", "9")], "stowaway 9"),
    ],
)
def test_a_list_that_is_not_what_is_locked_is_refused(root: Path, libraries: list[tuple[str, str]], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        finish(listed(*libraries), root)

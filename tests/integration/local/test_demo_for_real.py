"""`make demo` as it is, but for the model: the real launcher, host and app, and an endpoint that answers by rule."""

import asyncio
import os
import stat
import sys
from pathlib import Path
from typing import Any

from local.scripted import Call, Reply, ScriptedModel

HOME = Path(__file__).parents[3]
ANSWERS: dict[str, Any] = {
    "Plan": {"sub_directives": ["Write late_fee.py, a module.", "Write late_fee_notice.md, a notice."]},
    "Independence": {"independent": True, "problem": ""},
    "Review": {"complete": True, "missing": "", "report": "Both are written."},
    "Description": {"description": "The house rules for late fees."},
}


def rule(call: Call) -> Reply:
    """The demo's plan, each part routed to the action that its file calls for."""
    if call.schema_name in ANSWERS:
        return Reply(ANSWERS[call.schema_name])
    code = ".py" in call.last
    if call.schema_name == "ChoiceAnswer":
        wanted = "write Python" if code else "write document"
        (line,) = [line for line in call.last.splitlines() if f". {wanted}" in line]
        return Reply({"best": int(line.split(".")[0]), "unviable": [], "confidence": "high"})
    return Reply("```python\nFEE = 1\n```" if "Python 3 module" in call.messages[0]["content"] else "# Fees\n\nPay.")


async def test_the_demo_ends_with_what_its_example_promised(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SWARMSTAR_", "OPENAI_"))}
    async with ScriptedModel(rule) as model:
        demo = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "local.demo"),
            cwd=tmp_path,
            umask=0o022,
            env={**kept, "OPENAI_BASE_URL": model.base_url, "OPENAI_API_KEY": "k", "PYTHONPATH": str(HOME)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(90):
            said = (await demo.communicate())[0].decode()
    assert demo.returncode == 0, said
    assert "Both are written." in said
    assert _saved(tmp_path) == ["late_fee.py", "late_fee_notice.md"]
    made = _modes(tmp_path)
    assert {"host.db", "host.db.lock", "host.log", "swarm_default_kv_store.db", "late_fee.py"} <= made.keys()
    assert {name: oct(mode) for name, mode in made.items() if mode & 0o077} == {}


def _modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}


def _saved(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("artifacts/*"))

"""The product's app as it is, and on request a model without a network or a store that counts its operations."""

import asyncio
import json
import os
from collections import Counter
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import azure.functions as func

from bench.rules import rule
from local.scripted.rules import Call
from shared import bootstrap
from shared.llm.port import Completion, CompletionRequest

_PRODUCT = Path(__file__).parents[2] / "function_app.py"


class InstantModel:
    """Answers as the stub does, in this process and at once."""

    async def complete(self, request: CompletionRequest) -> Completion:
        """The stub's answer, one turn of the loop later."""
        await asyncio.sleep(0)
        body: dict[str, Any] = {"messages": [{"role": m.role, "content": m.content} for m in request.messages]}
        if request.schema is not None:
            described = {"name": request.schema_name, "schema": request.schema}
            body["response_format"] = {"json_schema": described}
        content = rule(Call(index=0, step="", times_seen=1, body=body, headers={})).content
        text = content if isinstance(content, str) else json.dumps(content)
        return Completion(text=text, model=request.model, finish_reason="stop", input_tokens=500, output_tokens=150)

    async def close(self) -> None:
        """Nothing is held."""


class CountingStore:
    """Passes everything on to a store and counts the operations by kind."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.counts: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        """The store's own method, counted."""
        method = getattr(self._store, name)

        async def counted(*args: Any, **kwargs: Any) -> Any:
            self.counts[name] += 1
            if name == "put":
                self.counts["put_bytes"] += len(args[3])
            return await method(*args, **kwargs)

        return counted


def _product() -> Any:
    spec = spec_from_file_location("swarmstar_function_app", _PRODUCT)
    if spec is None or spec.loader is None:
        raise ImportError(f"there is no {_PRODUCT}")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.app


app = _product()

if os.environ.get("BENCH_INSTANT_MODEL"):
    _instant = InstantModel()
    bootstrap.model = lambda: _instant  # type: ignore[assignment]  # a cached function is a plain one to callers

if os.environ.get("BENCH_COUNT"):
    _counting = CountingStore(bootstrap.store())
    bootstrap.store = lambda: _counting  # type: ignore[assignment]  # as above


@app.route("bench/counts", methods=["GET"])  # type: ignore[untyped-decorator]  # the SDK has no types
async def counts(req: func.HttpRequest) -> func.HttpResponse:
    """How many operations the store was asked for so far."""
    del req
    store = bootstrap.store()
    found = dict(store.counts) if isinstance(store, CountingStore) else {}
    return func.HttpResponse(json.dumps(found), mimetype="application/json")

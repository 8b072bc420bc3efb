"""The process that holds the model: reads what to serve from its first line of input, ends when its input closes.

The key comes in by standard input, so that no other user reads it in the process list. Started by
`local.models.server`; it is not for use by hand.
"""

import json
import os
import sys
import threading
import time
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class ChildConfig(BaseModel):
    """What the child serves, and its bounds."""

    model_config = ConfigDict(frozen=True)

    path: str
    alias: str
    api_key: str
    #: 0 for any free port.
    port: int = 0
    slots: int = Field(ge=1, le=16)
    #: Tokens of context that each slot has.
    context: int = Field(ge=256)
    #: The most tokens of one answer.
    max_output_tokens: int = Field(ge=1)
    threads: int = Field(ge=1)
    #: MiB of memory for prompts that are kept to be continued.
    prompt_cache_mib: int = Field(ge=0)
    #: Bytes of address space.
    memory_limit: int


def main() -> None:
    """Serve until standard input closes."""
    # Native code may print; the address goes to a descriptor of its own.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    config = ChildConfig.model_validate_json(sys.stdin.readline())
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    _limit_memory(config.memory_limit)
    server = _serve(config)
    answers.write(json.dumps({"url": server.listening_address}) + "\n")
    answers.flush()
    while True:
        time.sleep(3600)


def _exit_with_parent() -> None:
    # The system closes the pipe when the parent ends, however it ends. A clean exit could wait for
    # an answer that is being written, so there is none.
    sys.stdin.read()
    os._exit(0)


def _limit_memory(limit: int) -> None:
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _serve(config: ChildConfig) -> Any:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = config.path
    params.model_alias = {config.alias}
    params.api_keys = [config.api_key]
    params.hostnames = ["127.0.0.1"]
    params.port = config.port
    params.n_parallel = config.slots
    params.n_ctx = config.context * config.slots
    params.n_predict = config.max_output_tokens
    params.cpuparams.n_threads = config.threads
    params.cpuparams_batch.n_threads = config.threads
    params.cache_ram_mib = config.prompt_cache_mib
    params.sampling.temp = 0.0
    params.sampling.seed = 1
    # Without this the server would change the settings above to what it thinks fits the machine.
    params.fit_params = False
    params.ui = False
    params.endpoint_slots = False
    params.verbosity = 0
    return xllamacpp.Server(params)


if __name__ == "__main__":
    main()

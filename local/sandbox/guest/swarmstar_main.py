"""The component's entry: one program, run as `python` would run it."""

import json

from swarmstar_guest import event_loop, preload, processes, system, threads
from swarmstar_guest.launcher import Program, run_program
from swarmstar_world import SwarmstarWorld as World
from swarmstar_world import run_child

preload.load()
threads.install()
event_loop.install()
processes.install(run_child)
system.install()


class SwarmstarWorld(World):
    """The exports of the component."""

    def run(self, request: str) -> str:
        """Run one program; the answer holds its exit code."""
        asked = json.loads(request)
        program = Program(asked["arguments"], asked["environment"], asked["folder"], asked["path"])
        return json.dumps({"exit_code": run_program(program)})

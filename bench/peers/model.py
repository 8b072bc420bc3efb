"""How a peer asks the model: the `openai` client with its aiohttp transport, or the stub's answer at once."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bench.workload import Place, Step, answer

INSTRUCTIONS: dict[Step, str] = {
    "plan": "Plan: break the directive into sub-directives that can run in parallel. Answer in JSON.",
    "review": "Review: judge the reports on the directive. Answer in JSON.",
    "write": "Write: the document that the directive asks for.",
}
_CONNECTIONS = 2_000
#: Seconds a call may take, and also wait for a connection when more are in flight than there are connections.
_TIMEOUT = 600.0

#: Makes one model call for a step of a node; the reports are those that a review judges.
Ask = Callable[[Step, Place, list[str]], Awaitable[str]]


@dataclass
class Asked:
    """Counts calls on their way to the model."""

    ask: Ask
    calls: int = field(default=0)

    async def __call__(self, step: Step, place: Place, reports: list[str]) -> str:
        self.calls += 1
        return await self.ask(step, place, reports)


async def ask_instantly(step: Step, place: Place, reports: list[str]) -> str:
    """The stub's answer, one turn of the loop later."""
    del reports
    await asyncio.sleep(0)
    return answer(step, place)


def ask_endpoint(base_url: str) -> Ask:
    """Asks an OpenAI-compatible endpoint."""
    import httpx2
    import openai

    http_client = openai.DefaultAioHttpClient(limits=httpx2.Limits(max_connections=_CONNECTIONS))
    client = openai.AsyncOpenAI(
        base_url=base_url, api_key="none", max_retries=0, timeout=_TIMEOUT, http_client=http_client
    )

    async def ask(step: Step, place: Place, reports: list[str]) -> str:
        told = place.directive
        if reports:
            told += "\nReports:\n" + "\n".join(reports)
        completion = await client.chat.completions.create(
            model="gpt-5-mini",
            messages=[{"role": "system", "content": INSTRUCTIONS[step]}, {"role": "user", "content": told}],
        )
        return completion.choices[0].message.content or ""

    return ask

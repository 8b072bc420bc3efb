"""What the conformance suites of the ports share: how their adapters are opened, closed and given a server."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol, TypeVar

import pytest

from local.emulators import node


class Closable(Protocol):
    """An adapter."""

    async def close(self) -> None:
        """Let go of every resource."""
        ...


T = TypeVar("T", bound=Closable)

#: Makes ready what one kind of adapter needs for one test, and gives what opens one of them.
Kind = Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[Callable[[], T]]]


@asynccontextmanager
async def adapters(kind: Kind[T], request: pytest.FixtureRequest) -> AsyncIterator[Callable[[], T]]:
    """Opens as many adapters on the same data as a test asks for, as other processes would; it closes them all."""
    opened: list[T] = []
    async with kind(request) as open_one:

        def factory() -> T:
            opened.append(open_one())
            return opened[-1]

        yield factory
        for adapter in opened:
            await adapter.close()


def need_emulator(service: str) -> None:
    """Skip where a service's emulator cannot run; CI must be able to run it."""
    if node() is None and not os.environ.get("CI"):
        pytest.skip(f"the {service} emulator needs Node.js 20 or later")

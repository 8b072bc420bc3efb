"""How a fetch shows what it does: a bar on a terminal, plain lines elsewhere, nothing in tests."""

from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn


class FetchProgress(Protocol):
    """Hears of a fetch as it goes."""

    def note(self, text: str) -> None:
        """One line about what happens now."""

    def at(self, done: int, total: int) -> None:
        """`done` of `total` bytes are here."""


class Silent:
    """Shows nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""

    def at(self, done: int, total: int) -> None:
        """Show nothing."""


class PlainLines:
    """One line for each tenth, for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._tenth = -1

    def note(self, text: str) -> None:
        """Print the line as it is."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def at(self, done: int, total: int) -> None:
        """Print a line when another tenth is here."""
        tenth = done * 10 // total
        if tenth != self._tenth:
            self._tenth = tenth
            self.note(f"{tenth * 10:3d} %  {done / 1e6:.0f} of {total / 1e6:.0f} MB")


class Bar:
    """A progress bar with speed and the time that is left; use it as a context manager."""

    def __init__(self, console: Console) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
        )
        self._progress = Progress(*columns, console=console)
        self._task = self._progress.add_task("fetching", total=None)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def note(self, text: str) -> None:
        """Print the line above the bar."""
        self._progress.console.print(text, markup=False, highlight=False)

    def at(self, done: int, total: int) -> None:
        """Move the bar."""
        self._progress.update(self._task, completed=done, total=total)

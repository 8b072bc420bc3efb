"""The sandbox port: run a program that nobody vouches for on a copy of some files, and say what it did."""

from shared.sandbox.port import (
    Limits,
    MissingModule,
    RunRequest,
    RunResult,
    Sandbox,
    StopReason,
    Traits,
    Used,
)

__all__ = ["Limits", "MissingModule", "RunRequest", "RunResult", "Sandbox", "StopReason", "Traits", "Used"]

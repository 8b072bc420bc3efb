"""The runtime port: how use cases reach the orchestrations."""

from shared.runtime.port import Histories, RunStatus, Runtime

__all__ = ["Histories", "RunStatus", "Runtime"]

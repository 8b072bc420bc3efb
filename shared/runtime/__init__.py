"""The runtime port: how use cases reach the orchestrations."""

from shared.runtime.port import RunStatus, Runtime

__all__ = ["RunStatus", "Runtime"]

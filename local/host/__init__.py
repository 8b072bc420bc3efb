"""The embedded Azure Functions host: runs the real `function_app.py` on one machine, for development."""

from local.host.host import Host
from local.host.indexing import IndexingError
from local.host.lock import StateInUse
from local.host.settings import HostSettings

__all__ = ["Host", "HostSettings", "IndexingError", "StateInUse"]

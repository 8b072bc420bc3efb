"""What is replayed of the running orchestrations' histories, as texts in memory up to a bound."""

from collections import OrderedDict

from local.host.durable import sdk
from local.host.durable.model import Instance
from local.host.durable.storage import Storage

#: In characters. What is over it is read from the state file when it is needed again.
_BOUND = 64 << 20


class ReplayCache:
    """Keeps the texts used last."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._texts: OrderedDict[int, str] = OrderedDict()
        self._size = 0

    def begin(self, instance: Instance) -> None:
        """The instance has no history yet."""
        self._put(instance.row, "")

    def size(self, instance: Instance) -> int:
        return len(self.get(instance))

    def get(self, instance: Instance) -> str:
        """The texts joined by commas, from memory or the state file."""
        text = self._texts.get(instance.row)
        if text is None:
            text = ",".join(filter(None, map(sdk.project, self._storage.histories(instance))))
            self._put(instance.row, text)
        else:
            self._texts.move_to_end(instance.row)
        return text

    def append(self, instance: Instance, text: str) -> None:
        past = self._texts.get(instance.row)
        if past is not None:
            self._put(instance.row, f"{past},{text}" if past else text)

    def drop(self, instance: Instance) -> None:
        self._size -= len(self._texts.pop(instance.row, ""))

    def _put(self, row: int, text: str) -> None:
        self._size += len(text) - len(self._texts.pop(row, ""))
        self._texts[row] = text
        while self._size > _BOUND and len(self._texts) > 1:
            self._size -= len(self._texts.popitem(last=False)[1])

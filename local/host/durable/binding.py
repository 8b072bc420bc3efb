"""The addresses of the Durable HTTP API, as a client binding and as the payload that management replies carry."""

import json
from collections.abc import Mapping

WEBHOOKS = "runtime/webhooks/durabletask"
#: What the SDK replaces by an instance's id.
_ID = "INSTANCEID"


class Addresses:
    """Knows where the API is served: with a key for people and tools, under a secret path for the SDK's clients."""

    def __init__(self, origin: str, hub: str, key: str, rpc_path: str) -> None:
        self._origin = origin
        self._hub = hub
        self._key = key
        self._rpc_path = rpc_path
        self._client = json.dumps(self._binding())

    def client(self) -> str:
        """The text a durable client is built from."""
        return self._client

    def payload(self, instance_id: str, origin: str | None = None) -> Mapping[str, str]:
        """The management addresses of one instance."""
        return {name: text.replace(_ID, instance_id) for name, text in self._management(origin).items()}

    def _management(self, origin: str | None = None) -> dict[str, str]:
        instance = f"{origin or self._origin}/{WEBHOOKS}/instances/{_ID}"
        query = f"taskHub={self._hub}&connection=Storage&code={self._key}"
        return {
            "id": _ID,
            "statusQueryGetUri": f"{instance}?{query}",
            "sendEventPostUri": f"{instance}/raiseEvent/{{eventName}}?{query}",
            "terminatePostUri": f"{instance}/terminate?reason={{text}}&{query}",
            "purgeHistoryDeleteUri": f"{instance}?{query}",
            "restartPostUri": f"{instance}/restart?{query}",
            "suspendPostUri": f"{instance}/suspend?reason={{text}}&{query}",
            "resumePostUri": f"{instance}/resume?reason={{text}}&{query}",
            "rewindPostUri": f"{instance}/rewind?reason={{text}}&{query}",
        }

    def _binding(self) -> dict[str, object]:
        base = f"{self._origin}/{WEBHOOKS}"
        create = f"{base}/orchestrators/{{functionName}}[/{{instanceId}}]?code={self._key}"
        wait = create.replace("?", "?timeout={timeoutInSeconds}&pollingInterval={intervalInSeconds}&")
        return {
            "taskHubName": self._hub,
            "connectionName": None,
            # The SDK appends to it as it is: the slash at the end is needed.
            "rpcBaseUrl": f"{self._origin}/{self._rpc_path}/",
            "baseUrl": base,
            "httpBaseUrl": None,
            "requiredQueryStringParameters": f"code={self._key}",
            "creationUrls": {
                "createNewInstancePostUri": create,
                "createAndWaitOnNewInstancePostUri": wait,
            },
            "managementUrls": self._management(),
        }

"""What the database answers -> the product's errors, in one table. No message holds an address, a key or a query."""

from azure.core.exceptions import AzureError

from shared.adapters.azure_client import header
from shared.errors import Conflict, SwarmStarError, TooLarge, Unavailable

#: The service asks for the same request again: it met others on the same item.
RETRY_WITH = 449


def status(error: AzureError) -> int:
    """The HTTP status, or 0 when there was no answer."""
    return getattr(error, "status_code", None) or 0


def explain(error: AzureError) -> SwarmStarError:
    """The error to raise for one that no operation expected."""
    code = status(error)
    match code:
        case 401 | 403:
            return Unavailable(
                "the database refuses this deployment's credential: check its key, or its identity's role "
                "Cosmos DB Built-in Data Contributor, and the account's firewall",
                retry_after=60.0,
            )
        case 404:
            return Unavailable("the database or its container has not been created", retry_after=60.0)
        case 409 | 412:
            return Conflict("the document was changed meanwhile")
        case 413:
            return TooLarge("the database takes no document of this size")
        case 429 | 449:
            return Unavailable("the database is asked too much", retry_after=_retry_after(error, 1.0))
        case 0:
            return Unavailable("the database cannot be reached, or gave this deployment no token", retry_after=5.0)
        case _:
            return Unavailable(f"the database cannot serve now (status {code})", retry_after=_retry_after(error, 5.0))


def _retry_after(error: AzureError, default: float) -> float:
    try:
        return int(header(error, "x-ms-retry-after-ms") or "") / 1000
    except ValueError:
        return default

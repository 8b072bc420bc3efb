"""`python -m local.sandbox`: prepare the embedded sandbox, and print where it is."""

import asyncio
import sys

from local.sandbox.build import prepare
from shared.errors import SwarmStarError


def main() -> None:
    """Prepare it; what goes wrong is one message, not a traceback."""
    try:
        installation = asyncio.run(prepare(lambda line: print(line, file=sys.stderr)))  # noqa: T201
    except (SwarmStarError, OSError) as error:
        sys.exit(f"error: {error}")
    print(installation.folder)  # noqa: T201


if __name__ == "__main__":
    main()

"""The benchmark is no part of what gets installed: it is imported from the repository."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

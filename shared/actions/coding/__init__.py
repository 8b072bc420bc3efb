"""Actions that write code."""

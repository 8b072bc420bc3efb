"""Actions that write text."""

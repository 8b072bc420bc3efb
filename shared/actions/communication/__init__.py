"""Actions that talk to the user."""

"""Run programs of the workspace in the sandbox."""

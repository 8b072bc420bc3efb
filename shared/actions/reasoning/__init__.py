"""Actions that plan and judge."""

"""Swarms started by schedule: the stored schedule, cron rules, and the use cases of both."""

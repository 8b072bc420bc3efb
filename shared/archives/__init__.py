"""Swarms as archives: the format, the export and the import."""

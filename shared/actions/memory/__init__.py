"""Actions on the memory space."""

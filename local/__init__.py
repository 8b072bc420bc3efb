"""What runs on one machine only: the embedded Functions host and the offline model server."""

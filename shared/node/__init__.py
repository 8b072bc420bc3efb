"""One advance of a node: claim it, perform its action or its review, and commit the outcome."""

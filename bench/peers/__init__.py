"""The systems beside this project, each used as its own documentation recommends."""

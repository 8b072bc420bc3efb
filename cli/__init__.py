"""The `swarmstar` command: talks HTTP to any deployment."""

"""The files of a swarm, by path: heads, versions, drafts, merges, states, diffs."""

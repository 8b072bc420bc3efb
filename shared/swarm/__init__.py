"""The pure model of a swarm: nodes, outcomes, events, the transition table, budgets. No I/O."""

"""The model port, and what lies on top of it: structured answers, repair, prices, the journal."""

"""A deployment on one's own machine: a model, then the embedded host that runs the app with it."""

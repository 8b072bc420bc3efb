"""Prepares the embedded sandbox: CPython as WebAssembly, its standard library, and the deployment's packages."""

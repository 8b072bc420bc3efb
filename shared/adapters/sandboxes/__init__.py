"""Adapters of the sandbox port: CPython as WebAssembly, native CPython on Linux, hosted sessions on Azure."""

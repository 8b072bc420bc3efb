"""What CPython as WebAssembly lacks and ordinary programs expect. Runs inside the sandbox, on CPython 3.14."""

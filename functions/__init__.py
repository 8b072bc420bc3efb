"""The Azure bindings: parse, call one function, reply."""

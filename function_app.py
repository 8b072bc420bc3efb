"""The Azure Functions app: creates it and registers the blueprint of every module in `functions`, nothing else."""

import importlib
import pkgutil

import azure.durable_functions as df
import azure.functions as func

import functions

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
for module in pkgutil.iter_modules(functions.__path__):
    if not module.name.startswith("_"):
        app.register_functions(importlib.import_module(f"functions.{module.name}").bp)

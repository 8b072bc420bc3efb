"""The vendor code behind the ports. Only `shared.bootstrap` imports this package."""

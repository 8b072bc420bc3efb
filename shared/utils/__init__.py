"""The utils that ship with the app, one file each: arguments, result, effect and function.

They are what the loop of a working node is to be made of; no action calls them yet.
"""

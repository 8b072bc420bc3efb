"""The utils that ship with the app, one file each: arguments, result, effect and function. A node's loop calls them."""

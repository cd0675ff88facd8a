"""`lemof`: one module a group of commands."""

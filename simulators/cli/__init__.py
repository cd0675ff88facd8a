"""`lemof-sim`."""

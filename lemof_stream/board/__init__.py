"""The ward board: a web page that shows every bed as it changes."""

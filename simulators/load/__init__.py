"""`lemof-sim load`: an open-loop load test of a running system, with its report."""

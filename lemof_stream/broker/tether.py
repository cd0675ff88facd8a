"""Becomes another program, which the kernel kills as soon as the parent process dies, however it dies.

Run by path with a bare interpreter: `python -I -S tether.py PARENT_PID PROGRAM ARGUMENT...`. Linux has this
(PR_SET_PDEATHSIG); elsewhere the program merely runs, and an orderly end of the parent stops it.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1

if __name__ == "__main__":
    parent, program = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the line above
            sys.exit(1)
    os.execv(program[0], program)

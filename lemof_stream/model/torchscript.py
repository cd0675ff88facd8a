"""Python functions of tensors as TorchScript, which PyTorch runs as one call outside the interpreter.

Eager, a step is some 400 operations, each of which lets Python's lock go and waits for it again: beside a thread that
runs Python, a step of 15 ms takes seconds. TorchScript lets it go once. It is deprecated, and used all the same: its
successors need a C++ compiler on the machine that serves, and the version of PyTorch is pinned.
"""

import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor

Function = TypeVar("Function", bound=Callable[..., Any])
Traced = Callable[..., tuple[Tensor, ...]]

OF_WEIGHTS = r"Converting a tensor to a Python list|torch\.tensor results are registered as constants"
"""Warnings of what does stay right, as a model's weights do not change; any other tells of a size that may."""

_compiling = threading.Lock()
"""Held while warnings and the strategy, which are the process's, differ from what they were."""


def scripted(function: Function) -> Function:
    """Compile a function; a call of it stays whole within a trace, so that its loops may depend on the batch."""
    with _quiet():
        compiled: Function = torch.jit.script(function)
    return compiled


def traced(function: Traced, example: tuple[Tensor, ...]) -> Traced:
    """Record what a function does with the example, for every number of rows: nothing in it may turn a size into a
    number of Python's, which would stay that of the example. The tensors it closes over become constants.
    """
    with _quiet():
        warnings.filterwarnings("ignore", OF_WEIGHTS)
        # By default the first two calls profile and compile, each in tens of milliseconds; so the first one does all.
        before = torch.jit.set_fusion_strategy([])
        try:
            compiled: Traced = torch.jit.trace(  # type: ignore[no-untyped-call]
                function, example, check_trace=False
            )
            compiled(*example)
        finally:
            torch.jit.set_fusion_strategy(before)
    return compiled


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the warning that TorchScript is deprecated."""
    with _compiling, warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"`torch\.jit\.\w+` is", DeprecationWarning)
        yield

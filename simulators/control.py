"""The small API by which a replay is steered from another program on this machine.

`GET /replay` tells where it is, `PATCH /replay` pauses it, lets it go on, changes its speed or seeks an event time.
"""

from ipaddress import ip_address
from typing import Annotated, Final, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lemof_stream.config_files import first_complaint
from lemof_stream.contracts.message import Instant
from lemof_stream.errors import ConfigError
from simulators.play import Player

_PLAYER: Final = web.AppKey("player", Player)
REFUSAL: Final = "The replay's control cannot listen on {place}; choose another port with --control."


class Steering(BaseModel):
    """What is to change; what is not named stays."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    paused: bool | None = None
    speed: Annotated[float, Field(gt=0)] | Literal["max"] | None = None
    seek: Instant | None = None


def control(player: Player) -> web.Application:
    """The web application that steers `player`."""
    app = web.Application()
    app[_PLAYER] = player
    app.add_routes([web.get("/replay", _position), web.patch("/replay", _steer)])
    return app


def control_place(text: str) -> tuple[str, int]:
    """Host and port of --control.

    Raises:
        ConfigError: it is none, or not on this machine: there is no log-in.
    """
    host, _, port = text.rpartition(":")
    try:
        local = ip_address(host.strip("[]")).is_loopback
    except ValueError:
        local = False
    if not local or not port.isdecimal() or int(port) > 65535:
        raise ConfigError(f"--control {text} is no place on this machine; write one such as 127.0.0.1:8401.")
    return host.strip("[]"), int(port)


async def _position(request: web.Request) -> web.Response:
    return _told(request.app[_PLAYER])


async def _steer(request: web.Request) -> web.Response:
    player = request.app[_PLAYER]
    try:
        steering = Steering.model_validate_json(await request.read())
        if steering.seek is not None:
            player.seek(steering.seek)
    except ValidationError as error:
        where, complaint = first_complaint(error)
        return _refused(f"{where or 'the body'}: {complaint}; send JSON with paused, speed or seek.")
    except ConfigError as error:
        return _refused(str(error))
    if steering.speed is not None:
        player.speed = None if steering.speed == "max" else steering.speed
    if steering.paused is not None:
        player.paused = steering.paused
    return _told(player)


def _told(player: Player) -> web.Response:
    return web.Response(text=player.position().model_dump_json(), content_type="application/json")


def _refused(sentence: str) -> web.Response:
    return web.json_response({"error": sentence}, status=422)

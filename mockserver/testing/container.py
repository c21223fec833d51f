"""The mock server in a container, by Testcontainers (the extra ``testcontainers``)."""

from __future__ import annotations

import dataclasses
import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from mockserver.control_client import ControlClient, ControlFailed
from mockserver.settings.model import Settings
from mockserver.testing.sdk_clients import SdkClients
from mockserver.version import __version__
from mockserver.wording import suggestion

try:
    from docker.errors import APIError
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.exceptions import ContainerStartException
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "Testcontainers is not installed. Install it with: pip install 'audio-mockserver[testcontainers]'",
        name=error.name,
    ) from error

if TYPE_CHECKING:
    from collections.abc import Mapping

    import openai

IMAGE = f"audio-mockserver:{__version__}"

_PORT = 4010
_START_SECONDS = 120
_POLL_SECONDS = 0.1
# Settings that the container itself sets, and TLS, for which its clients would need a certificate.
_OF_CONTAINERS = ("host", "port", "control_token", "tls", "tls_cert", "tls_key")
_ALL_SETTINGS = "docs/configuration.md lists them."
_NAMES = frozenset(each.name for each in dataclasses.fields(Settings)) - {*_OF_CONTAINERS}


class AudioMockServerContainer(DockerContainer):
    """A container with the mock server. A context manager: it is ready at the beginning, and removed at the end.

    ``settings`` are those of docs/configuration.md by name. ``stubs`` and ``fixtures`` are folders on this machine. The
    control API needs a ``token``, because its callers are outside of the container; by default one is made. Other
    arguments are those of Docker's SDK for Python, such as ``read_only=True``.
    Raises ``ValueError`` for an unknown setting, and ``NotADirectoryError`` for a folder that does not exist.
    """

    def __init__(
        self,
        image: str = IMAGE,
        *,
        settings: Mapping[str, object] | None = None,
        stubs: Path | str | None = None,
        fixtures: Path | str | None = None,
        token: str = "",
        **kwargs: Any,
    ) -> None:
        variables = {
            f"MOCKSERVER_{_checked(name).upper()}": _text(value) for name, value in (settings or {}).items()
        }
        mounts = {
            place: _folder(path)
            for place, path in (("/stubs", stubs), ("/fixtures", fixtures))
            if path is not None
        }
        super().__init__(image, **kwargs)
        self.token = token or secrets.token_urlsafe()
        self.with_envs(MOCKSERVER_CONTROL_TOKEN=self.token, **variables)
        for place, folder in mounts.items():
            self.with_volume_mapping(str(folder), place, "ro")
        self.with_exposed_ports(_PORT)

    def start(self) -> Self:
        """Start the container, and wait until the server is ready.

        Raises ``ContainerStartException`` with the log if the server ends or is not ready in time, and ``APIError`` if
        Docker cannot start the container, such as without the image.
        """
        try:
            super().start()
        except APIError as error:
            error.add_note(f"The image is {self.image}. docs/containers.md describes how to build one.")
            raise
        deadline = time.monotonic() + _START_SECONDS
        while not self._is_ready():
            self.reload()
            if self.status == "exited":
                raise self._failed("The server has ended")
            if time.monotonic() > deadline:
                raise self._failed(f"The server is not ready after {_START_SECONDS} s")
            time.sleep(_POLL_SECONDS)
        return self

    def _is_ready(self) -> bool:
        try:
            ControlClient(self.url).call("GET", "/ready", timeout=5)
        except (ControlFailed, OSError):  # a container that has ended has no port
            return False
        return True

    def _failed(self, what: str) -> ContainerStartException:
        log = b"".join(self.get_logs()).decode(errors="replace")
        return ContainerStartException(f"{what}. Its log:\n{log}")

    @property
    def url(self) -> str:
        """Return the URL of the server, without ``/v1``."""
        return f"http://{self.get_container_host_ip()}:{self.get_exposed_port(_PORT)}"

    @property
    def base_url(self) -> str:
        """Return the base URL for SDKs, which ends with ``/v1``."""
        return f"{self.url}/v1"

    def client(self, api_key: str = "sk-mock-me") -> openai.OpenAI:
        """Return a client of the official SDK, which does not retry."""
        return SdkClients(self.base_url).sync(api_key)

    def control(self, api_key: str = "") -> ControlClient:
        """Return a client of the control API for the account of a key; without one, for every account."""
        return ControlClient(self.url, token=self.token, api_key=api_key)


def _checked(name: str) -> str:
    """Return the name of a setting. Raises ``ValueError`` if there is none, or a container cannot have it."""
    if name in _OF_CONTAINERS:
        raise ValueError(f"settings: {name!r} cannot be changed for a container. Remove it.")
    if name not in _NAMES:
        raise ValueError(f"settings: unknown setting {name!r}. {suggestion(name, _NAMES, _ALL_SETTINGS)}")
    return name


def _text(value: object) -> str:
    """Return the value of a setting as a variable has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _folder(path: Path | str) -> Path:
    """Return the absolute path of a folder. Docker would create one that does not exist."""
    folder = Path(path).absolute()
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is no folder. Name one on this machine.")
    return folder

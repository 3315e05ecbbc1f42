"""Store what the demo keeps between two starts."""

import json
from pathlib import Path
import shutil
import socket

REPOSITORY = Path(__file__).resolve().parents[2]
STATES = REPOSITORY / ".demo"


class DemoError(Exception):
    """The demo cannot go on; the text says why."""


class State:
    """A state folder: Home Assistant's configuration, the ports in use, the logs."""

    def __init__(self, folder: Path) -> None:
        """Use `folder`, which is made when it does not exist."""
        self.folder = folder
        self.config = folder / "config"
        self.log_of_home_assistant = folder / "home-assistant.log"
        self.log_of_clouds = folder / "clouds.log"
        self._ports = folder / "ports.json"
        self.config.mkdir(parents=True, exist_ok=True)

    def remove(self) -> None:
        """Forget everything."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def port_of_cloud(self, vendor: str) -> int:
        """Return the vendor's port, always the same: the stored account holds its address."""
        ports: dict[str, int] = json.loads(self._ports.read_text()) if self._ports.exists() else {}
        if vendor not in ports:
            ports[vendor] = free_port()
            self._ports.write_text(json.dumps(ports))
        claim_port(ports[vendor])
        return ports[vendor]


def free_port() -> int:
    """Return a TCP port of the loopback interface that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def claim_port(port: int) -> None:
    """Raise `DemoError` when something listens on `port` already."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise DemoError(f"Port {port} is in use; is another demo running?")

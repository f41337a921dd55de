"""Which servers this panel knows, and which was used last; a file without secrets."""

from pathlib import Path

import msgspec

from control_panel.client import files
from control_panel.client.errors import NotKept


class Server(msgspec.Struct, frozen=True):
    """A server, as one person: its API, its CAs (PEM), who is logged in there, their last role."""

    url: str
    ca: str
    username: str
    role: str = "viewer"

    @property
    def name(self) -> str:
        """By which it and its token are kept."""
        return f"{self.username}@{self.url.removeprefix('https://')}"


class Servers:
    """Kept in `servers.json`, the one used last first."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "servers.json"

    def known(self) -> list[Server]:
        """Return them. Raises NotKept."""
        held = files.read(self._file)
        if held is None:
            return []
        try:
            return msgspec.json.decode(held, type=list[Server])
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise NotKept(
                f"{self._file} is damaged ({error})", "Delete it, and pair the panel anew"
            ) from None

    def use(self, server: Server) -> None:
        """Keep it as the one used last. Raises NotKept."""
        self._write([server, *(one for one in self.known() if one.name != server.name)])

    def forget(self, name: str) -> None:
        """Know it no more. Raises NotKept."""
        self._write([one for one in self.known() if one.name != name])

    def _write(self, servers: list[Server]) -> None:
        files.write(self._file, msgspec.json.format(msgspec.json.encode(servers), indent=1))

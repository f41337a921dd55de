"""The device's key, its certificate, and whom it trusts: three files that change together.

    DATA/identity/current -> 3f2a…/     key.pem (0600), certificate.pem, ca.pem
    DATA/identity/pending/              a new key, until a connection with its certificate works

agent.toml names the files below `current`, a symbolic link that is replaced as a whole: so key
and certificate always fit each other, whatever is killed when. Keys are made by the command
`openssl`, which every Debian has; a Python library for it would cost a Pi more than the agent.
"""

import os
import secrets
from pathlib import Path

import msgspec

from edge_agent.enrolment.errors import EnrolmentFailed
from edge_agent.sinks.mqtt.link import Link, LinkFailed, Waker
from edge_agent.sinks.mqtt.settings import Settings

FOLDER = "identity"
KEY, CERTIFICATE, CA = "key.pem", "certificate.pem", "ca.pem"


class Identity:
    """The files of one device; `data` is the agent's data folder."""

    def __init__(self, device: str, data: Path, mqtt: Settings) -> None:
        self._device = device
        self._mqtt = mqtt
        self._folder = data / FOLDER
        self._pending = self._folder / "pending"
        self.current = self._folder / "current"

    def request(self, *, anew: bool = True) -> str:
        """Make a key beside the one in use; return its certificate request (PKCS#10, PEM).

        With `anew` false, a key that waits for its certificate already is taken again. Raises
        EnrolmentFailed.
        """
        if anew:
            self._check_own()
            _remove(self._pending)
        self._pending.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = self._pending / KEY
        if not key.exists():
            part = key.with_suffix(".part")
            _openssl(
                "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
                "-out", str(part),
            )  # fmt: skip
            part.chmod(0o600)
            part.replace(key)
        return _openssl("req", "-new", "-key", str(key), "-subj", f"/CN={self._device}")

    def exchange(self, certificate: str, ca: str) -> None:
        """Use the new key if a connection with it works, else raise EnrolmentFailed."""
        self._check_own()
        self.receive(certificate, ca)
        self.adopt()

    def receive(self, certificate: str, ca: str) -> None:
        """Keep a certificate for the key that waits for one, and whom to trust."""
        if not (self._pending / KEY).exists():
            raise EnrolmentFailed(
                "there is no new key that waits for a certificate", "Ask for `csr` first"
            )
        for name, text in ((CERTIFICATE, certificate), (CA, ca)):
            (self._pending / name).write_bytes(text.encode("ascii", "replace"))

    def adopt(self, *, check: bool = True) -> None:
        """Use the key that waits from now on, with `check` only if the broker takes it."""
        if check:
            self._check_connection()
        drawn = self._folder / secrets.token_hex(8)
        self._pending.rename(drawn)
        link = self._folder / "next"
        link.unlink(missing_ok=True)
        link.symlink_to(drawn.name)
        link.replace(self.current)
        for folder in self._folder.iterdir():
            if folder.is_dir() and not folder.is_symlink() and folder != drawn:
                _remove(folder)

    def _check_connection(self) -> None:
        waker = Waker()
        try:
            Link(_with(self._mqtt, self._pending), self._device, None, waker, probe="new").close()
        except LinkFailed as error:
            raise EnrolmentFailed(
                f"no connection with the new certificate: {error}", "The device is as it was before"
            ) from None
        finally:
            waker.close()

    def _check_own(self) -> None:
        if Path(self._mqtt.certificate) != self.current / CERTIFICATE:
            raise EnrolmentFailed(
                "this device did not get its login by `fieldline-agent enrol`",
                "Exchange what [mqtt] names by hand, or enrol it",
            )


def _remove(folder: Path) -> None:
    import shutil  # like what follows, once in the life of a key: a running agent has no use for it

    shutil.rmtree(folder, ignore_errors=True)


def _with(mqtt: Settings, folder: Path) -> Settings:
    return msgspec.structs.replace(
        mqtt,
        ca=str(folder / CA),
        certificate=str(folder / CERTIFICATE),
        key=str(folder / KEY),
        tls=True,
    )


def _openssl(*arguments: str) -> str:
    import subprocess

    try:
        done = subprocess.run(
            ["openssl", *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, umask=0o077,
            env={"PATH": os.environ.get("PATH", "/usr/bin:/bin")},
        )  # fmt: skip
    except FileNotFoundError:
        raise EnrolmentFailed("there is no command `openssl`", "apt install openssl") from None
    except subprocess.CalledProcessError as error:
        raise EnrolmentFailed(
            f"openssl {arguments[0]} failed: {error.stderr.strip()[-300:]}",
            "Check that the data folder is writable",
        ) from None
    return done.stdout

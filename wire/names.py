"""Names of devices and channels, and identifiers of epochs."""

import functools
import os
import re
from collections.abc import Callable

from wire.errors import WireError

EPOCH_LENGTH = 16
MAX_CHANNEL = 128
_EPOCH_CHARACTERS = "0123456789abcdefghijklmnopqrstuvwxyz"

_DEVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
# RFC 8428, section 4.5.1.
_CHANNEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9:./_-]*")
_EPOCH = re.compile(rf"[0-9a-z]{{{EPOCH_LENGTH}}}")


class NameRefused(WireError):
    """A name has not the form of its kind (`device` or `channel`)."""

    def __init__(self, kind: str, name: str, rule: str) -> None:
        super().__init__(f"{name[:160]!r} is no name for a {kind}: {rule}")
        self.kind = kind
        self.name = name
        self.rule = rule


def is_device_name(text: str) -> bool:
    """Whether a device may be called so."""
    return _DEVICE.fullmatch(text) is not None


def check_device_name(text: str) -> str:
    """Return the name as it is, or raise NameRefused."""
    if not is_device_name(text):
        rule = (
            "it must start with a letter or digit, go on with letters, digits, '.', '_' or '-', "
            "and have at most 63 characters"
        )
        raise NameRefused("device", text, rule)
    return text


def is_channel_name(text: str) -> bool:
    """Whether a channel may be called so."""
    return len(text) <= MAX_CHANNEL and _has_form_of_channel(text)


@functools.lru_cache(maxsize=4096)  # the same few names come with every pack
def _has_form_of_channel(text: str) -> bool:
    return _CHANNEL.fullmatch(text) is not None


def check_channel_name(text: str) -> str:
    """Return the name as it is, or raise NameRefused."""
    if not is_channel_name(text):
        rule = (
            "it must start with a letter or digit, go on with letters, digits, '-', ':', '.', '/' "
            "or '_', and have at most 128 characters"
        )
        raise NameRefused("channel", text, rule)
    return text


def is_epoch(text: str) -> bool:
    """Whether the text has the form of an epoch."""
    return _EPOCH.fullmatch(text) is not None


def new_epoch(random_bytes: Callable[[int], bytes] = os.urandom) -> str:
    """Draw the identifier of a new epoch: 82 random bits as 16 characters."""
    number = int.from_bytes(random_bytes(16), "big")
    characters = []
    for _ in range(EPOCH_LENGTH):
        number, place = divmod(number, len(_EPOCH_CHARACTERS))
        characters.append(_EPOCH_CHARACTERS[place])
    return "".join(characters)

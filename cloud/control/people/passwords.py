"""Passwords: what is taken for one, and how it is kept (argon2id, RFC 9106)."""

import asyncio

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

SHORTEST, LONGEST = 12, 256

# RFC 9106's second recommendation needs 64 MiB; OWASP's least is 19 MiB and two passes. The API is
# to stay small beside everything else, so it is the latter, and one is computed at a time.
_hasher = PasswordHasher(
    time_cost=3, memory_cost=19 * 1024, parallelism=1, hash_len=32, salt_len=16, type=Type.ID
)
_one_at_a_time = asyncio.Semaphore(1)

_COMMON = (
    "password", "passwort", "123456789", "qwertyuiop", "qwertzuiop", "letmein", "iloveyou",
    "administrator", "fieldline", "raspberry", "welcome", "changeme", "abcdefgh",
)  # fmt: skip


def fault(password: str, username: str) -> str:
    """Say what is wrong with a new password; empty if nothing is."""
    if len(password) < SHORTEST:
        return f"it has {len(password)} characters, and needs {SHORTEST}"
    plain = password.lower()
    if username.lower() in plain:
        return "it holds the user's name"
    if len(set(plain)) < 5:
        return "it repeats a few characters"
    for word in _COMMON:
        if word in plain and len(plain.replace(word, "")) < 6:
            return f"it is little more than {word!r}"
    return ""


async def hashed(password: str) -> str:
    """Return what is kept of a password, as a PHC string."""
    async with _one_at_a_time:
        return await asyncio.to_thread(_hasher.hash, password)


async def fits(kept: str | None, password: str) -> bool:
    """Say whether a password is the one that is kept. Takes as long when there is none."""
    async with _one_at_a_time:
        return await asyncio.to_thread(_fits, kept or _OF_NOBODY, password) and kept is not None


def _fits(kept: str, password: str) -> bool:
    try:
        return _hasher.verify(kept, password)
    except (VerifyMismatchError, VerificationError, InvalidHashError):
        return False


_OF_NOBODY = _hasher.hash("the password of nobody")

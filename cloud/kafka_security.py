"""How a Kafka cluster is logged in to: said once, and told to each client in its own words.

librdkafka (the bridge, receipts, `fieldline status`) and Kafka's Java client (Spark's source) name
the same things differently: librdkafka's CONFIGURATION.md, and "Security" in Kafka's documentation.
"""

from pathlib import Path
from typing import Literal

import msgspec


class Security(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`ca` is a PEM file, of the CA that signed the brokers' certificates; empty: the system's."""

    protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    ca: str = ""
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    username: str = ""
    password_file: str = ""
    """Mode 0600."""

    def __post_init__(self) -> None:
        """Refuse half a login."""
        if self.logs_in and not (self.username and self.password_file):
            raise ValueError(f"{self.protocol} needs username and password_file")

    @property
    def encrypted(self) -> bool:
        """Whether TLS is spoken."""
        return self.protocol.endswith("SSL")

    @property
    def logs_in(self) -> bool:
        """Whether a user name and a password are needed."""
        return self.protocol.startswith("SASL")

    def password(self) -> str:
        """Read the password. Raises OSError."""
        return Path(self.password_file).read_text("utf-8").strip()


def for_librdkafka(security: Security) -> dict[str, str]:
    """Return librdkafka's properties. Raises OSError if the password cannot be read."""
    said: dict[str, str] = {"security.protocol": security.protocol.lower()}
    if security.encrypted and security.ca:
        said["ssl.ca.location"] = security.ca
    if security.logs_in:
        said["sasl.mechanism"] = security.mechanism
        said["sasl.username"] = security.username
        said["sasl.password"] = security.password()
    return said


def for_java(security: Security) -> dict[str, str]:
    """Return the Java client's properties. Raises OSError if the password cannot be read."""
    said: dict[str, str] = {"security.protocol": security.protocol}
    if security.encrypted and security.ca:
        said["ssl.truststore.type"] = "PEM"
        said["ssl.truststore.location"] = security.ca
    if security.logs_in:
        module = "plain.PlainLoginModule"
        if security.mechanism.startswith("SCRAM"):
            module = "scram.ScramLoginModule"
        said["sasl.mechanism"] = security.mechanism
        said["sasl.jaas.config"] = (
            f"org.apache.kafka.common.security.{module} required "
            f"username={_quoted(security.username)} password={_quoted(security.password())};"
        )
    return said


def _quoted(text: str) -> str:
    # JAAS reads a quoted string as Java's StreamTokenizer does.
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'

"""What can go wrong with the stack on one machine."""


class StackError(Exception):
    """Base of all errors here. The message is a sentence that says what to do."""


class NotReached(StackError):
    """What is asked does not answer: a server, the API, a device. Exit status 3."""


class ServerMissing(StackError):
    """A server's program is not on this machine."""

    def __init__(self, program: str, package: str) -> None:
        super().__init__(f"there is no {program}; run `make setup`, or install {package}")
        self.program = program


class JavaMissing(StackError):
    """There is no Java that Kafka and Spark run on."""

    def __init__(self, seen: dict[str, int]) -> None:
        found = ", ".join(f"{path} is version {version}" for path, version in seen.items())
        super().__init__(
            f"Kafka and Spark need Java 17 or 21 ({found or 'there is none'}); run `make setup`, "
            "install openjdk-17-jre-headless, or let JAVA_HOME name it"
        )
        self.seen = seen


class PortTaken(StackError):
    """A port that the stack had before belongs to somebody else now."""

    def __init__(self, name: str, port: int, holder: str, file: str) -> None:
        super().__init__(
            f"port {port}, where {name} was reached so far, is in use by {holder}; stop that, or "
            f"give {name} another port in {file} (programs that knew the old one must be told)"
        )
        self.name = name
        self.port = port


class SchemaRefused(StackError):
    """The database is not one that this version can work with."""


class AccountRefused(StackError):
    """An account cannot be made or changed."""

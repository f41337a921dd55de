"""What can go wrong with the database's schema."""


class SqlError(Exception):
    """Base of the package's errors."""


class MigrationRefused(SqlError):
    """The migrations that were applied are not those that are here."""

    def __init__(self, name: str, detail: str) -> None:
        """Name the migration; `detail` says what is wrong and what to do."""
        super().__init__(f"migration {name}: {detail}")
        self.name = name
        self.detail = detail

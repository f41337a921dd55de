"""One file from which a stack comes back on an empty machine (docs/operation.md, Backup)."""

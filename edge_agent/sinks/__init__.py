"""Where packs go: one folder a kind of receiver."""

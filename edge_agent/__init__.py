VERSION = "0.1.0"
"""That of the package: asking `importlib.metadata` for it would cost 0.5 MB for good."""

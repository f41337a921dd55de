"""What can go wrong in building and simulating boards."""


class RigError(Exception):
    """Base of every error raised here; its text says what happened and what to do next."""


class ToolsMissing(RigError):
    """The compilers or the simulator are not installed; `packages` are Debian's names of them."""

    def __init__(self, missing: list[str], packages: list[str]) -> None:
        names = " ".join(packages)
        super().__init__(
            f"compiling for boards needs {', '.join(missing)}, not found here. On Debian: "
            f"sudo apt-get install --no-install-recommends {names}"
        )
        self.missing = missing
        self.packages = packages


class BuildFailed(RigError):
    """A compiler refused `what`; `output` is what it said."""

    def __init__(self, what: str, output: str) -> None:
        super().__init__(f"{what} did not compile:\n{output.rstrip()}")
        self.what = what
        self.output = output


class NotBuilt(RigError):
    """A file that a build makes is not there."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is not there; make it: python -m firmware.arduino.build")
        self.path = path


class RigStopped(RigError):
    """The simulator is no longer running; `detail` is what it said last."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"the simulated board stopped: {detail or 'it said nothing'}")
        self.detail = detail


class ControlFailed(RigError):
    """A running rig could not be told something, or refused it."""

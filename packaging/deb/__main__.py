"""Builds fieldline-agent_VERSION_ARCH.deb: the agent with what Debian 12 doesn't have of it.

    python3 packaging/deb                    # for this machine's architecture
    python3 packaging/deb --arch arm64       # for a Raspberry Pi, from anywhere
    make deb

The JSON codec is compiled, so there is a package an architecture; Debian's Python runs it.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
sys.path.insert(0, str(CHECKOUT / "packaging" / "setup"))

import dpkg  # noqa: E402 -- the set-up's modules are no package
from say import Refused, Teller  # noqa: E402

WHEEL_PLATFORMS = {
    "amd64": ["manylinux2014_x86_64", "manylinux_2_28_x86_64"],
    "arm64": ["manylinux2014_aarch64", "manylinux_2_28_aarch64"],
}
BUNDLED = ("msgspec", "paho-mqtt", "pyserial")
PACKAGES = ("wire", "edge_agent")
_FOR_OTHERS = (
    "serial/*win32.py", "serial/*cli.py", "serial/*java.py", "serial/tools/*_[ow]*.py",
    "serial/tools/miniterm.py", "serial/tools/hexlify_codec.py",
)  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    teller = Teller(3)
    try:
        made = build(options.arch, options.out.resolve(), teller)
    except Refused as error:
        print(error, file=sys.stderr)
        return 1
    print(made)
    return 0


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python3 packaging/deb",
        description="Build the Debian package of the agent.",
        epilog="example: python3 packaging/deb --arch arm64",
    )
    made.add_argument(
        "--arch", choices=sorted(WHEEL_PLATFORMS), default=dpkg.host_architecture(),
        help="the device's architecture (this machine's)",
    )  # fmt: skip
    made.add_argument(
        "--out", type=Path, default=CHECKOUT / "build", help="folder for the package (build)"
    )
    return made


def build(arch: str, out: Path, teller: Teller) -> Path:
    """Stage the sources, run debhelper over them, and return the package."""
    teller.step("Tools that build packages")
    teller.done(dpkg.ensure_tools(teller, CHECKOUT / "build" / "deb-packages.log"))
    version = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["version"]
    tree = CHECKOUT / "build" / "deb" / arch / f"fieldline-agent-{version}"
    shutil.rmtree(tree.parent, ignore_errors=True)
    tree.mkdir(parents=True)
    shutil.copytree(HERE / "files", tree / "debian")
    shutil.copy(CHECKOUT / "docs" / "agent.md", tree / "README.md")
    teller.step("The agent and its libraries")
    stage(tree / "app", arch)
    teller.done(f"for {arch}")
    teller.step("The package")
    made = dpkg.build(tree, arch)
    out.mkdir(exist_ok=True)
    teller.done(f"{made.stat().st_size / 1000:.0f} kB")
    return Path(shutil.copy2(made, out / made.name))


def stage(app: Path, arch: str) -> None:
    """Put the agent and what it bundles into one folder."""
    app.mkdir()
    for package in PACKAGES:
        shutil.copytree(
            CHECKOUT / package,
            app / package,
            ignore=shutil.ignore_patterns("__pycache__", "README.md"),
        )
    wheels = app.parent / "wheels"
    wanted = requirements()
    platforms = [f"--platform={platform}" for platform in WHEEL_PLATFORMS[arch]]
    done = subprocess.run(
        [
            sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
            "--disable-pip-version-check", "--only-binary=:all:", "--require-hashes",
            "--python-version=3.11", *platforms, "--dest", str(wheels), "-r", str(wanted),
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise Refused(f"the bundled libraries could not be fetched:\n{done.stderr[-2000:]}")
    for wheel in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(wheel) as packed:
            packed.extractall(app)  # hashes were checked by pip
    for useless in ("bin", "*.dist-info", "msgspec/*.pyi", *_FOR_OTHERS):
        for found in app.glob(useless):
            shutil.rmtree(found) if found.is_dir() else found.unlink()
    for module in app.rglob("*.py"):  # a module is no program, whatever its authors began it with
        text = module.read_text("utf-8")
        if text.startswith("#!"):
            module.write_text(text.partition("\n")[2], "utf-8")
    shutil.rmtree(wheels)
    wanted.unlink()


def requirements() -> Path:
    """Write the pins, with hashes, of what is bundled alone."""
    text = (CHECKOUT / "packaging" / "requirements.txt").read_text()
    entries = re.split(r"(?m)^(?=[a-zA-Z0-9])", text)
    chosen = [entry for entry in entries if entry.partition("==")[0] in BUNDLED]
    assert len(chosen) == len(BUNDLED), [entry[:30] for entry in chosen]
    name = hashlib.sha256("".join(chosen).encode()).hexdigest()[:12]
    file = CHECKOUT / "build" / f"deb-requirements-{name}.txt"
    file.parent.mkdir(exist_ok=True)
    file.write_text("".join(chosen))
    return file


if __name__ == "__main__":
    sys.exit(main())

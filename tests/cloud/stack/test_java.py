"""The Java that fits is found, and one that does not is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloud.stack import java
from cloud.stack.errors import JavaMissing


def install(folder: Path, version: str) -> Path:
    """A `java` that says of itself what a real one of this version says."""
    binary = folder / "bin" / "java"
    binary.parent.mkdir(parents=True)
    binary.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2024-01-16' >&2\n")
    binary.chmod(0o755)
    return binary


def test_java_home_comes_first_then_the_path_then_what_debian_installed(tmp_path: Path) -> None:
    home = install(tmp_path / "home", "21.0.2")
    path = install(tmp_path / "path", "17.0.15")
    debian = install(tmp_path / "jvm" / "java-17", "17.0.1")
    environment = {"JAVA_HOME": str(tmp_path / "home"), "PATH": str(path.parent)}
    assert java.find(environment, tmp_path / "jvm") == home
    del environment["JAVA_HOME"]
    assert java.find(environment, tmp_path / "jvm") == path
    assert java.find({"PATH": ""}, tmp_path / "jvm") == debian


def test_a_java_too_old_or_too_new_on_the_path_is_passed_over(tmp_path: Path) -> None:
    old = install(tmp_path / "old", "11.0.22")
    fits = install(tmp_path / "jvm" / "java-17", "17.0.15")
    assert java.find({"PATH": str(old.parent)}, tmp_path / "jvm") == fits


@pytest.mark.parametrize("version", ["1.8.0_392", "11.0.22", "25.0.1"])
def test_one_that_does_not_fit_is_named_with_what_to_install(tmp_path: Path, version: str) -> None:
    binary = install(tmp_path / "old", version)
    number = version.removeprefix("1.").split(".")[0]
    with pytest.raises(JavaMissing, match=f"{binary} is version {number}.*openjdk-17"):
        java.find({"PATH": str(binary.parent)}, tmp_path / "none")


def test_none_at_all_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(JavaMissing, match=r"there is none.*make setup"):
        java.find({"PATH": ""}, tmp_path)


def test_the_java_of_this_machine_fits() -> None:
    found = java.find({"PATH": "/usr/bin"})
    assert java.version(found) in java.WANTED
    assert (java.home_of(found) / "bin" / "java").exists()

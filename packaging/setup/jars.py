"""The jars of Kafka and of Spark's Kafka connector, by Maven."""

from __future__ import annotations

import subprocess
from pathlib import Path

from say import Refused, Teller


def fetch(pom: Path, folder: Path, teller: Teller) -> int:
    """Copy what a pom names into a folder, made anew; returns the number of jars."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.jar"):
        old.unlink()
    process = subprocess.Popen(
        ["mvn", "-B", "-f", str(pom), "dependency:copy-dependencies",
         f"-DoutputDirectory={folder}", "-DincludeScope=runtime"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    downloaded = 0
    errors: list[str] = []
    for line in process.stdout:
        if "Downloaded from" in line:
            downloaded += 1
            name = line.split(" (")[0].rsplit("/", 1)[-1]
            teller.tell(f"{folder.name}, {downloaded} files: {name}")
        elif line.startswith("[ERROR]"):
            errors.append(line.strip())
    if process.wait() != 0:
        said = "\n    ".join(errors[:6]) or "(it said nothing)"
        raise Refused(
            f"Maven could not fetch the jars named in {pom}. It said:\n    {said}\n"
            "If it could not reach its repository: check the network and the proxy "
            "(~/.m2/settings.xml), then make again."
        )
    return len(list(folder.glob("*.jar")))

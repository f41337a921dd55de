"""The process that makes Arrow of CSV."""

from __future__ import annotations

import subprocess
import sys

from pyarrow import ipc

ABORTS_AT_ITS_END = (
    "import atexit, os, runpy; atexit.register(os.abort);"
    "runpy.run_module('cloud.control.history.arrow', run_name='__main__', alter_sys=True)"
)


def test_what_it_wrote_is_whole_however_python_ends() -> None:
    """Python's own end aborts if one of Arrow's threads still reads."""
    done = subprocess.run(
        [sys.executable, "-c", ABORTS_AT_ITS_END, "time:time", "value:number", "text:text"],
        input=b'time,value,text\n2026-03-01 12:00:00+00,1.5,\n2026-03-01 12:00:01+00,,"a,b"\n',
        capture_output=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
    rows = ipc.open_stream(done.stdout).read_all().to_pylist()
    assert [(row["value"], row["text"]) for row in rows] == [(1.5, None), (None, "a,b")]
    assert rows[0]["time"].isoformat() == "2026-03-01T12:00:00+00:00"

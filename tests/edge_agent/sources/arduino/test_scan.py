"""`fieldline-agent scan`: the names that a person puts into `port`, and that `auto` tries."""

import json
from pathlib import Path

import pytest

from edge_agent.cli import main
from edge_agent.sources.arduino import Settings, port, source
from edge_agent.sources.arduino import open as open_source
from firmware.arduino.build import SKETCHES, build_rig, build_sketch
from firmware.arduino.rig import Rig
from tests.edge_agent.sources.fakes import FakeContext, running


def test_scan_names_the_port_that_auto_reads_and_none_that_is_unplugged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    build_rig()
    link = tmp_path / "by-id" / "usb-board"
    link.parent.mkdir()
    monkeypatch.setattr(port, "BY_ID", link.parent)
    monkeypatch.setattr(source, "BY_ID", link.parent)
    with Rig(build_sketch(SKETCHES / "environment").elf, link=link) as rig:
        assert main(["scan", "--json"]) == 0
        found = [one for one in json.loads(capsys.readouterr().out) if one["port"] == str(link)]
        assert found == [{"port": str(link), "device": str(link.resolve()), "what": "usb-board"}]
        assert main(["scan"]) == 0
        assert f"{link}  usb-board" in capsys.readouterr().out
        context = FakeContext()
        with running(open_source(Settings("room")), context) as run:
            run.until(lambda: context.values("room/supply"))
        rig.unplug()
        assert main(["scan", "--json"]) == 0
        assert str(link) not in capsys.readouterr().out

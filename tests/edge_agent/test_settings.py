from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.settings import read
from wire.settings import SettingsRefused

GOOD = """
[agent]
device = "pi-7"
data = "/var/lib/fieldline-agent"
[mqtt]
host = "127.0.0.1"
[[source]]
kind = "host"
name = "host"
interval_s = 1.0
"""


def test_what_is_left_out_has_its_documented_default(tmp_path: Path) -> None:
    file = tmp_path / "agent.toml"
    file.write_text(GOOD)
    settings = read(file)
    assert (settings.mqtt.port, settings.mqtt.tls) == (8883, True)
    assert settings.buffer.quota().bytes == 1_024_000_000
    assert settings.buffer.commit_s == 1.0


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("interval_s", "intervall", "did you mean 'interval_s'"),
        ('"pi-7"', '"pi 7"', "no name for a device"),
        ('[mqtt]\nhost = "127.0.0.1"', '[mqtt]\nhost = "h"\nport = 0', "port"),
        ("[[source]]", '[[source]]\nkind = "thermal"\nname = "host"\n[[source]]', "two sources"),
        ('kind = "host"', 'kind = "hots"', "kind"),
    ],
)
def test_a_fault_is_refused_with_a_sentence(tmp_path: Path, old: str, new: str, words: str) -> None:
    file = tmp_path / "agent.toml"
    assert old in GOOD
    file.write_text(GOOD.replace(old, new))
    with pytest.raises(SettingsRefused, match=words):
        read(file)

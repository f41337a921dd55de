import json
from pathlib import Path

from cloud.bridge.progress import Progress


def test_rates_are_those_of_the_last_ten_seconds(tmp_path: Path) -> None:
    file = tmp_path / "run" / "bridge.json"
    progress = Progress(file)
    for second in range(30):
        progress.write(
            at=1000.0 + second,
            in_total=100 * second if second < 20 else 1900 + 10 * (second - 19),
            out_total=0,
            lag=3,
            lag_seconds=0.5,
            newest=None,
            errors=0,
            detail={"mqtt": "up"},
        )
    told = json.loads(file.read_text())
    assert (told["stage"], told["rate_in"], told["rate_out"]) == ("bridge", 10.0, 0.0)
    assert (told["lag"], told["newest"], told["detail"]) == (3, None, {"mqtt": "up"})
    assert list(file.parent.iterdir()) == [file]

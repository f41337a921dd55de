"""The doctor looks ahead: a CA that ends is to be rotated while every device still believes it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cloud.stack import tls
from cloud.stack.doctor.certificates import judge
from cloud.stack.doctor.checkup import Doubtful

_NINE_YEARS = timedelta(days=9 * 365 + 30)


def test_a_ca_that_ends_within_a_year_is_to_be_rotated(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    tls.ensure(tmp_path)
    assert "lasts 39" in judge(tls.files(tmp_path), ["localhost"], now)
    files = tls.ensure(tmp_path, now=now + _NINE_YEARS)
    with pytest.raises(Doubtful, match=r"the CA ends in 33\d days") as caught:
        judge(files, ["localhost"], now + _NINE_YEARS)
    assert caught.value.fix == "`fieldline ca rotate` makes another"


def test_a_rotation_under_way_is_said(tmp_path: Path) -> None:
    files = tls.ensure(tmp_path)
    tls.begin_rotation(tmp_path)
    assert "being rotated" in judge(files, ["localhost"], datetime.now(UTC))
    tls.finish_rotation(tmp_path)
    assert "lasts 39" in judge(files, ["localhost"], datetime.now(UTC))

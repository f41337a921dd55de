"""Whoever is given an address is told if nobody else can reach it."""

import pytest

from cloud.control.devices.addresses import local_only


@pytest.mark.parametrize(
    ("url", "only"),
    [
        ("https://127.0.0.1:8443", True),
        ("https://127.8.9.10", True),
        ("https://[::1]:8443", True),
        ("https://localhost:8443", True),
        ("https://10.0.0.5:8443", False),
        ("https://[fd00::5]:8443", False),
        ("https://plant.example", False),
    ],
)
def test_an_address_of_the_machine_itself_is_said_to_be_one(url: str, only: bool) -> None:
    assert local_only(url) is only

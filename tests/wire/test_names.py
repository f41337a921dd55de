import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.names import (
    NameRefused,
    check_channel_name,
    check_device_name,
    is_channel_name,
    is_device_name,
    is_epoch,
    new_epoch,
)

DEVICES = ["pi-7", "a", "A.b_c-9", "0", "a" * 63]
NO_DEVICES = ["", "-a", ".a", "_a", "a b", "a/b", "a+", "a#", "ä", "a\n", "\0", "a" * 64, "٣"]
CHANNELS = ["gas/co", "a", "urn:dev:x", "2001:db8::3", "a" * 128, "cpu/0.load_1-m"]
NO_CHANNELS = ["", "/a", ":a", "-a", "_a", "a b", "a+b", "a#", "ü", "a\n", "a\0", "a" * 129, "٣"]


@pytest.mark.parametrize("name", DEVICES)
def test_a_device_may_be_called_so(name: str) -> None:
    assert is_device_name(name)
    assert check_device_name(name) == name


@pytest.mark.parametrize("name", NO_DEVICES)
def test_a_device_may_not_be_called_so(name: str) -> None:
    assert not is_device_name(name)
    with pytest.raises(NameRefused, match="device") as refused:
        check_device_name(name)
    assert refused.value.name == name


@pytest.mark.parametrize("name", CHANNELS)
def test_a_channel_may_be_called_so(name: str) -> None:
    assert is_channel_name(name)
    assert check_channel_name(name) == name


@pytest.mark.parametrize("name", NO_CHANNELS)
def test_a_channel_may_not_be_called_so(name: str) -> None:
    assert not is_channel_name(name)
    with pytest.raises(NameRefused, match="channel"):
        check_channel_name(name)


@given(st.text(max_size=140))
def test_any_text_is_judged(text: str) -> None:
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    sound = 0 < len(text) <= 128 and text[0] in letters and set(text) <= set(letters + "-:./_")
    assert is_channel_name(text) == sound


def test_an_epoch_is_drawn_from_the_source_that_is_given() -> None:
    assert new_epoch(lambda count: bytes(count - 1) + b"\x25") == "1100000000000000"  # 0x25 = 37


def test_epochs_differ_and_have_their_form() -> None:
    epochs = {new_epoch() for _ in range(1000)}
    assert len(epochs) == 1000
    assert all(map(is_epoch, epochs))


@pytest.mark.parametrize("text", ["", "k3v9x0q2m4t7a1z", "K3V9X0Q2M4T7A1ZZ", "k3v9x0q2m4t7a1zz\n"])
def test_what_is_no_epoch(text: str) -> None:
    assert not is_epoch(text)

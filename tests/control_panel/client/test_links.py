"""Links that people paste."""

from __future__ import annotations

import contextlib
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_panel.client import links
from control_panel.client.errors import LinkRefused

CA = "ab" * 32


def link(act: str = "pair", **members: str) -> str:
    whole = {"url": "https://plant.example:8443", "ca": CA, "code": "c0de", **members}
    return f"fieldline:{act}?{urlencode({k: v for k, v in whole.items() if v})}"


@pytest.mark.parametrize("act", ["pair", "invite"])
def test_a_link_is_found_in_whatever_surrounds_it(act: str) -> None:
    read = links.read(f"Hi Ada,\n  your link: '{link(act)}'\nBye")
    assert read == links.Link(act, "https://plant.example:8443", CA, "c0de")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no link"),
        ("https://plant.example", "no link"),
        (link("enrol"), "for a device"),
        (link("other"), "another kind"),
        (link(code=""), "lacks code"),
        (link(ca="", url=""), "lacks url, ca"),
        (link(ca="abcd"), "64 hexadecimal digits"),
        (link(url="http://plant.example"), "no address"),
        (link(url="https://plant.example:99999"), "no address"),
        (link(url="https://"), "no address"),
        ("fieldline:pair?" + "a" * 5000, "too long"),
    ],
)
def test_what_is_no_link_is_refused_with_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(LinkRefused, match=said) as caught:
        links.read(text)
    assert caught.value.fix


@given(st.text())
def test_any_text_is_a_link_or_refused(text: str) -> None:
    with contextlib.suppress(LinkRefused):
        links.read(text)


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("plant.example", "https://plant.example:443"),
        (" plant.example:8443 ", "https://plant.example:8443"),
        ("https://[::1]:8443/v1/", "https://[::1]:8443"),
    ],
)
def test_an_address_may_be_typed_in_short(typed: str, url: str) -> None:
    assert links.checked_url(typed) == url


def test_a_fingerprint_may_have_colons_and_capitals() -> None:
    assert links.checked_fingerprint("AB:" * 31 + "AB") == CA

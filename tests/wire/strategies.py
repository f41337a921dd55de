"""What hypothesis draws from, for the tests of wire and of the contracts."""

import string

from hypothesis import strategies as st

from wire.ranges import RangeSet
from wire.reading import Channel, Reading, TimeQuality

LETTERS = string.ascii_letters + string.digits
EARLIEST = 946_684_800_000_000
LATEST = 4_102_444_800_000_000

devices = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", fullmatch=True)
channel_names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9:./_-]{0,127}", fullmatch=True)
epochs = st.text("0123456789abcdefghijklmnopqrstuvwxyz", min_size=16, max_size=16)
sequences = st.integers(0, 2**62)
times = st.integers(EARLIEST, LATEST)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
numbers = st.floats(-1e149, 1e149)
values = st.one_of(numbers, texts, st.booleans())
words = texts.map(lambda text: text[:20])


def readings(
    channels: st.SearchStrategy[str] = channel_names, times: st.SearchStrategy[int] = times
) -> st.SearchStrategy[Reading]:
    return st.builds(Reading, channels, times, values, words, st.just(TimeQuality.SYNCED))


packs = st.lists(channel_names, min_size=1, max_size=4).flatmap(
    lambda names: st.lists(readings(st.sampled_from(names)), min_size=1, max_size=30)
)
packs_of_a_day = times.flatmap(
    lambda start: st.lists(
        readings(times=st.integers(start, min(start + 86_400_000_000, LATEST))),
        min_size=1,
        max_size=20,
    )
)
ranges = st.tuples(st.integers(0, 60), st.integers(0, 8)).map(
    lambda drawn: [drawn[0], drawn[0] + drawn[1]]
)
range_sets = st.lists(ranges, max_size=12).map(RangeSet.of)
wide_range_sets = st.lists(st.tuples(sequences, sequences).map(sorted), max_size=12).map(
    RangeSet.of
)
channels = st.builds(
    Channel, channel_names, words, words, st.none() | numbers, st.none() | numbers, words
)

from cloud.stack.tailing import Message, as_json, kafka_line, mqtt_line
from wire import topics
from wire.pack import encode_pack
from wire.reading import Reading, TimeQuality

AT = 1_795_400_000_000_000
PACK = encode_pack(
    "pi-7",
    [
        Reading("gas/co", AT - 2_000_000, 1.5, "ppm"),
        Reading("gas/co", AT - 1_000_000, 1.75, "ppm"),
        Reading("door", AT - 1_000_000, True),
    ],
    epoch="k3v9x0q2m4t7a1zz",
    sequence=42,
    quality=TimeQuality.SYNCED,
)


def test_a_pack_is_shown_with_its_number_and_the_newest_of_each_channel() -> None:
    line = kafka_line(topics.PACKS, b"pi-7", PACK, {}, AT)
    assert line == "pi-7  k3v9…#42  3 readings  gas/co=1.75 ppm  door=true"
    assert mqtt_line("fieldline/v1/pi-7/data", PACK, AT).endswith(
        "3 readings  gas/co=1.75 ppm  door=true"
    )


def test_what_is_no_pack_is_shown_with_the_reason() -> None:
    assert "refused: " in kafka_line(topics.PACKS, b"pi-7", b"[", {}, AT)


def test_the_device_of_an_edge_topic_is_in_its_name() -> None:
    assert kafka_line("fieldline.edge.pi-7", b"", PACK, {}, AT).startswith("pi-7  k3v9…#42")


def test_a_rejected_message_is_shown_with_its_reason_in_one_line() -> None:
    line = kafka_line(topics.REJECTED, b"pi-7", b"no\nJSON\x00", {"reason": b"not_json: x"}, AT)
    assert line == "pi-7  not_json: x  no·JSON·"


def test_long_messages_are_cut() -> None:
    assert len(mqtt_line("a/b", b"x" * 5000, AT)) < 250


def test_for_programs_a_message_is_whole_and_what_is_no_text_is_in_base64() -> None:
    told = as_json(Message(AT, topics.PACKS, b"\xff\x00", b"pi-7", {}))
    assert told == {
        "time": AT / 1e6, "topic": topics.PACKS, "retained": False, "key": "pi-7",
        "payload_base64": "/wA=",
    }  # fmt: skip
    assert as_json(Message(AT, "a/b", b"x" * 5000))["payload"] == "x" * 5000

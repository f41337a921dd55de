from pathlib import Path

import pytest

from cloud.stack.settings import Kafka, Mqtt, Settings, load
from wire.settings import SettingsRefused


def test_no_file_is_a_stack_that_runs_wholly_here(tmp_path: Path) -> None:
    assert load(tmp_path / "fieldline.toml") == Settings()
    assert Settings().mqtt == Settings().kafka == Settings().postgres == "embedded"


def test_each_server_may_be_elsewhere(tmp_path: Path) -> None:
    file = tmp_path / "fieldline.toml"
    file.write_text(
        """
        kafka = "embedded"
        [mqtt]
        host = "broker.example"
        ca = "/etc/ca.pem"
        username = "bridge"
        password_file = "/etc/bridge"
        [postgres]
        host = "db.example"
        owner_password_file = "/etc/owner"
        [spark]
        master = "spark://one:7077"
        [grafana]
        enabled = false
        """
    )
    settings = load(file)
    assert isinstance(settings.mqtt, Mqtt)
    assert (settings.mqtt.host, settings.mqtt.port) == ("broker.example", 8883)
    assert settings.kafka == "embedded"
    assert not settings.grafana.enabled


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[mqt]\nhost='a'", "did you mean 'mqtt'"),
        ("mqtt = 'embeded'", "embedded"),
        ("[kafka]\npartitions = 3", "bootstrap is missing"),
        ("[mqtt]\nhost='b'\nca='c'", "needs username and password_file"),
        ("[mqtt]\nusername='me'", "where is the broker"),
        ("[mqtt]\nbind='fieldline.lan'", "must be an address of this machine"),
        ("[mqtt]\nnames=['two words']", "names"),
        (
            "[mqtt]\nhost='b'\nca='c'\nusername='u'\npassword_file='p'\nbind='0.0.0.0'",
            "host is of one elsewhere",
        ),
        ("[grafana]\nport = 70000", "65,535"),
        ("[spark]\ndriver_memory = 'much'", "driver_memory"),
        ("[retention]\nraw = 0", "at least 1"),
        ("[retention]\nraw = 100\n1m = 30", "as long as the one before"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "fieldline.toml"
    file.write_text(text)
    with pytest.raises(SettingsRefused) as refused:
        load(file)
    assert said in str(refused.value)
    assert str(file) in str(refused.value)


def test_a_login_to_kafka_is_whole_or_refused(tmp_path: Path) -> None:
    file = tmp_path / "fieldline.toml"
    text = '[kafka]\nbootstrap = "k:9092"\n[kafka.security]\nprotocol = "SASL_SSL"\n'
    file.write_text(text)
    with pytest.raises(SettingsRefused, match="SASL_SSL needs username and password_file"):
        load(file)
    file.write_text(text + 'username = "me"\npassword_file = "/secret"\n')
    kafka = load(file).kafka
    assert isinstance(kafka, Kafka)
    assert kafka.security.username == "me"


@pytest.mark.parametrize(
    ("table", "own", "public"),
    [
        ("", "127.0.0.1", "127.0.0.1"),
        ('bind = "0.0.0.0"', "127.0.0.1", "server"),
        ('bind = "::"', "::1", "server"),
        ('bind = "192.168.1.5"', "192.168.1.5", "192.168.1.5"),
        ('bind = "0.0.0.0"\nnames = ["fieldline.lan", "10.0.0.1"]', "127.0.0.1", "fieldline.lan"),
    ],
)
def test_devices_are_told_a_host_that_the_certificate_names(
    tmp_path: Path, table: str, own: str, public: str
) -> None:
    file = tmp_path / "fieldline.toml"
    file.write_text(f"[mqtt]\n{table}\n")
    broker = load(file).broker
    assert broker.own_host == own
    assert broker.public_host("server") == public
    assert own in broker.certified
    assert public in [*broker.certified, "server"]


def test_what_was_measured_is_kept_for_ever_unless_somebody_says_otherwise(tmp_path: Path) -> None:
    file = tmp_path / "fieldline.toml"
    assert Settings().retention.days() == {
        "raw": None, "1m": None, "1h": None, "rejected": 400, "history": 400, "audit": None,
    }  # fmt: skip
    file.write_text("[retention]\nraw = 30\n1m = 400\n")
    assert load(file).retention.days()["raw"] == 30
    assert load(file).retention.days()["1m"] == 400

from pathlib import Path

import pytest

from cloud.stack.settings import Kafka, Mqtt, Settings, load, properties
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
    assert settings.mqtt.port == 8883
    assert settings.kafka == "embedded"
    assert not settings.grafana.enabled


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[mqt]\nhost='a'", "did you mean 'mqtt'"),
        ("mqtt = 'embeded'", "embedded"),
        ("[kafka]\npartitions = 3", "bootstrap is missing"),
        ("[grafana]\nport = 70000", "65,535"),
        ("[spark]\ndriver_memory = 'much'", "driver_memory"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "fieldline.toml"
    file.write_text(text)
    with pytest.raises(SettingsRefused) as refused:
        load(file)
    assert said in str(refused.value)
    assert str(file) in str(refused.value)


def test_secrets_of_a_cluster_come_from_a_file_of_their_own(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.write_text("# for the cluster\nsasl.password=a=b\n")
    kafka = Kafka(bootstrap="k:9092", properties={"sasl.username": "me"}, secrets_file=str(secrets))
    assert properties(kafka) == {"sasl.username": "me", "sasl.password": "a=b"}

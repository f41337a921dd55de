from __future__ import annotations

from pathlib import Path

import pytest

from cloud.kafka_security import Security, for_java, for_librdkafka


@pytest.fixture
def login(tmp_path: Path) -> Security:
    secret = tmp_path / "password"
    secret.write_text('a"b\\c=d\n')
    return Security("SASL_SSL", "/ca.pem", "SCRAM-SHA-256", "me", str(secret))


def test_librdkafka_is_told_in_its_words(login: Security) -> None:
    assert for_librdkafka(login) == {
        "security.protocol": "sasl_ssl",
        "ssl.ca.location": "/ca.pem",
        "sasl.mechanism": "SCRAM-SHA-256",
        "sasl.username": "me",
        "sasl.password": 'a"b\\c=d',
    }


def test_java_is_told_in_its_words_with_the_password_quoted(login: Security) -> None:
    said = for_java(login)
    assert said["ssl.truststore.type"] == "PEM"
    assert said["sasl.jaas.config"] == (
        "org.apache.kafka.common.security.scram.ScramLoginModule required "
        'username="me" password="a\\"b\\\\c=d";'
    )


@pytest.mark.parametrize("tell", [for_java, for_librdkafka])
def test_without_security_nothing_but_the_protocol_is_said(tell: object) -> None:
    assert callable(tell)
    assert list(tell(Security())) == ["security.protocol"]

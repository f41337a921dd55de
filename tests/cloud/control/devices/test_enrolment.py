"""A one-time token becomes one identity, once."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections import Counter
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.cloud.control.api import Api
from tests.cloud.control.devices.player import Key, Player, enrol, invite, register
from tests.waiting import eventually
from wire import topics


def test_the_certificate_names_a_user_of_our_choice_and_is_for_clients_alone(
    local: httpx.Client, name: str, tmp_path: Path
) -> None:
    register(local, name)
    key = Key()
    answer = local.post(
        "/v1/enrolment",
        json={"token": invite(local, name), "request": key.request("fieldline-admin")},
    )
    certificate = x509.load_pem_x509_certificate(answer.json()["certificate"].encode())
    (common,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert common.value == answer.json()["username"]
    assert str(common.value).startswith(f"{name}~")
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert answer.json()["device"] == name
    assert local.get(f"/v1/devices/{name}").json()["state"] == "enrolled"


def test_a_thousand_at_once_with_one_token_give_one_identity(
    api: Api, local: httpx.Client, name: str
) -> None:
    register(local, name)
    token = invite(local, name)
    keys = [Key().request() for _ in range(1000)]

    async def twenty(address: str, requests: list[str]) -> list[int]:
        """So many wrong ones an address has."""
        transport = httpx.AsyncHTTPTransport(
            verify=context, local_address=address, limits=httpx.Limits(max_connections=8)
        )
        async with httpx.AsyncClient(base_url=api.url, transport=transport, timeout=120) as client:
            answers = [
                client.post("/v1/enrolment", json={"token": token, "request": request})
                for request in requests
            ]
            return [answer.status_code for answer in await asyncio.gather(*answers)]

    async def storm() -> list[list[int]]:
        groups = [(f"127.0.1.{n + 1}", keys[n * 20 : n * 20 + 20]) for n in range(50)]
        return await asyncio.gather(*(twenty(*group) for group in groups))

    context = ssl.create_default_context(cafile=str(api.certificates.ca))
    codes = Counter(code for group in asyncio.run(storm()) for code in group)
    assert codes[200] == 1
    # Some may have to wait too long for the database, which refuses them as well.
    assert set(codes) <= {200, 403, 503}
    assert codes[403] > 100
    assert len(local.get(f"/v1/devices/{name}").json()["credentials"]) == 1


def test_an_answer_that_was_lost_comes_again_for_the_same_key_only(
    local: httpx.Client, name: str
) -> None:
    register(local, name)
    key, token = Key(), invite(local, name)
    first = local.post("/v1/enrolment", json={"token": token, "request": key.request()})
    again = local.post("/v1/enrolment", json={"token": token, "request": key.request()})
    assert again.json()["certificate"] == first.json()["certificate"]
    other = local.post("/v1/enrolment", json={"token": token, "request": Key().request()})
    assert (other.status_code, other.json()["title"]) == (403, "bad token")


def test_a_token_ends_after_fifteen_minutes_with_a_newer_one_and_with_revocation(
    api: Api, local: httpx.Client, name: str
) -> None:
    def use(token: str) -> int:
        body = {"token": token, "request": Key().request()}
        return local.post("/v1/enrolment", json=body).status_code

    register(local, name)
    first = invite(local, name)
    second = invite(local, name)
    assert use(first) == 403
    with psycopg.connect(api.postgres.dsn()) as owner:
        owner.execute(
            "UPDATE control.enrolment SET expires = now() WHERE device = %s AND expires "
            "BETWEEN now() + interval '14 minutes' AND now() + interval '15 minutes'",
            (name,),
        )
    assert use(second) == 403
    third = invite(local, name)
    local.post(f"/v1/devices/{name}/revocation", json={})
    assert use(third) == 403


def test_no_token_is_kept_or_logged_in_clear(api: Api, local: httpx.Client, name: str) -> None:
    register(local, name)
    token = invite(local, name)
    with psycopg.connect(api.postgres.dsn()) as owner:
        (kept,) = owner.execute(
            "SELECT hash FROM control.enrolment WHERE device = %s", (name,)
        ).fetchone() or (b"",)
        dumped = "".join(str(row) for row in owner.execute("SELECT * FROM control.audit"))
    assert kept == hashlib.sha256(token.encode()).digest()
    assert token not in dumped
    assert token not in api.log.read_text()


def test_the_text_of_the_code_says_where_whom_to_trust_and_the_token(
    api: Api, local: httpx.Client, name: str
) -> None:
    register(local, name)
    answer = local.post(f"/v1/devices/{name}/enrolment").json()
    scheme, _, query = answer["text"].partition("?")
    said = {key: values[0] for key, values in parse_qs(query).items()}
    ca = x509.load_pem_x509_certificate(api.certificates.ca.read_bytes())
    assert scheme == "fieldline:enrol"
    assert said == {
        "url": api.url,
        "ca": ca.fingerprint(hashes.SHA256()).hex(),
        "token": answer["token"],
    }
    assert "<svg" in answer["svg"]
    assert answer["local_only"] is True


def test_a_second_token_for_an_enrolled_device_needs_the_word_replacement(
    local: httpx.Client, name: str, tmp_path: Path
) -> None:
    register(local, name)
    enrol(local, invite(local, name), tmp_path)
    answer = local.post(f"/v1/devices/{name}/enrolment")
    assert (answer.status_code, "replacement" in answer.json()["fix"]) == (409, True)


def _rsa() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def _other_curve() -> str:
    made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    signed = made.sign(ec.generate_private_key(ec.SECP384R1()), hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode()


def _tampered() -> str:
    der = bytearray(
        x509.load_pem_x509_csr(Key().request().encode()).public_bytes(serialization.Encoding.DER)
    )
    der[-1] ^= 1
    return x509.load_der_x509_csr(bytes(der)).public_bytes(serialization.Encoding.PEM).decode()


@pytest.mark.parametrize("make", [_rsa, _other_curve, _tampered, lambda: "nonsense", lambda: ""])
def test_an_unsound_request_is_refused_and_the_token_stays_good(
    local: httpx.Client, name: str, tmp_path: Path, make: object
) -> None:
    assert callable(make)
    register(local, name)
    token = invite(local, name)
    answer = local.post("/v1/enrolment", json={"token": token, "request": make()})
    assert (answer.status_code, answer.json()["title"]) == (422, "bad request")
    enrol(local, token, tmp_path)


def test_the_longest_name_can_enrol(local: httpx.Client, tmp_path: Path) -> None:
    name = "x" * 63
    register(local, name)
    identity = enrol(local, invite(local, name), tmp_path)
    player = Player(identity)
    assert player.publish(topics.data(name)) < 128
    player.close()


def test_who_guesses_tokens_must_wait(api: Api) -> None:
    key = Key().request()
    with api.client() as client:

        def refused() -> httpx.Response | None:
            answer = client.post("/v1/enrolment", json={"token": "guess", "request": key})
            return answer if answer.status_code == 429 else None

        answer = eventually(refused)
    assert answer is not None
    assert 0 < int(answer.headers["retry-after"]) <= 61
    api.stop()  # it remembers this machine
    api.start()

"""Whatever is sent to the API: it is refused early, and others are served meanwhile."""

from __future__ import annotations

import csv
import io
import json
import resource
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from cloud.control import connections, limits
from cloud.control.app import page
from cloud.control.principal import Role
from tests.cloud.control.api import Api
from tests.cloud.control.devices.player import register
from tests.cloud.control.history.conftest import BEGIN, Past
from tests.cloud.control.test_access import token_of
from tests.waiting import eventually

PAGE = page()
HUNDRED_MB = 100 * 1024 * 1024
MOST_KEPT = 24 * 1024 * 1024
STRINGS = {
    "sql": "x'; DROP TABLE control.device; --",
    "log line": 'x\n{"level":"ERROR","message":"forged"}',
    "header": "x\r\nSet-Cookie: forged=1",
    "path": "../../secrets/local-token",
    "encoded path": "..%2f..%2fsecrets%2flocal-token",
    "NUL": "x\x00y",
    "unicode": "\u202egnp.exe\u2066",
    "half a character": "\ud800",
    "template": "{{7*7}}${7*7}%s%n",
    "long": "x" * 100_000,
}


@contextmanager
def connected(api: Api, address: str = "127.0.0.1") -> Iterator[ssl.SSLSocket]:
    """A bare TLS connection to the API."""
    context = ssl.create_default_context(cafile=str(api.certificates.ca))
    plain = socket.create_connection(("127.0.0.1", api.port), 40, source_address=(address, 0))
    with plain, context.wrap_socket(plain, server_hostname="127.0.0.1") as secure:
        yield secure


def client_from(api: Api, address: str) -> httpx.Client:
    """A client that nobody knows, at an address."""
    context = ssl.create_default_context(cafile=str(api.certificates.ca))
    transport = httpx.HTTPTransport(verify=context, local_address=address)
    return httpx.Client(base_url=api.url, transport=transport, timeout=20)


def answer_of(sock: ssl.SSLSocket) -> bytes:
    """All that comes until the end."""
    said = b""
    try:
        while part := sock.recv(65_536):
            said += part
    except ConnectionError:
        pass
    return said


def statuses(said: bytes) -> list[int]:
    return [int(part[:3]) for part in said.split(b"HTTP/1.1 ")[1:]]


def size(api: Api) -> int:
    return int(Path(f"/proc/{api.pid}/statm").read_text().split()[1]) * resource.getpagesize()


def test_a_hundred_megabytes_that_are_announced_are_refused_before_they_come(api: Api) -> None:
    with connected(api) as sock:
        head = f"POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: {HUNDRED_MB}\r\n\r\n"
        sock.sendall(head.encode())
        assert statuses(answer_of(sock)) == [413]


def test_a_hundred_megabytes_in_chunks_are_not_read_and_not_kept(api: Api) -> None:
    before = size(api)
    with ExitStack() as stack:
        socks = [stack.enter_context(connected(api)) for _ in range(4)]
        for sock in socks:
            sock.sendall(b"POST /v1/sessions HTTP/1.1\r\nHost: x\r\n"
                         b"Transfer-Encoding: chunked\r\n\r\n")  # fmt: skip
            sent, chunk = 0, b"10000\r\n" + bytes(0x10000) + b"\r\n"
            try:
                while sent < HUNDRED_MB:
                    sock.sendall(chunk)
                    sent += len(chunk)
            except OSError:
                pass  # it has heard enough
            assert sent < HUNDRED_MB / 4
        assert size(api) - before < MOST_KEPT


def test_a_head_without_end_is_refused(api: Api) -> None:
    with connected(api) as sock:
        sock.sendall(b"GET /v1/health HTTP/1.1\r\nX-Long: ")
        with pytest.raises(OSError):  # noqa: PT011, PT012 -- whichever end TLS sees first
            for _ in range(10_000):
                sock.sendall(b"x" * 65_536)
            raise AssertionError("600 MB were taken")


@pytest.mark.long
def test_who_is_slow_is_cut_off_and_others_are_served_meanwhile(
    api: Api, local: httpx.Client
) -> None:
    with ExitStack() as stack:
        slow = [
            stack.enter_context(connected(api, f"127.0.2.{n % 4 + 1}")) for n in range(200)
        ]  # fmt: skip
        began = time.monotonic()
        for sock in slow[:100]:
            sock.sendall(b"GET /v1/health HTTP/1.1\r\nX-A: ")
        for sock in slow[100:150]:
            sock.sendall(b"\r\n")
        # the next fifty say nothing at all; two more were of use, or begin a body
        (used, body) = slow[198:]
        used.sendall(b"GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200 OK" in used.recv(65_536)
        used.sendall(b"GET /v1/health HTTP/1.1\r\nX-A: ")
        body.sendall(b"POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        for _ in range(20):
            asked = time.monotonic()
            assert local.get("/v1/devices").status_code == 200
            assert time.monotonic() - asked < 5
        for sock in slow[:199]:
            assert statuses(answer_of(sock)) == [408]
        assert time.monotonic() - began < connections.HEAD_SECONDS + 30
        assert statuses(answer_of(body)) == [408]
        assert time.monotonic() - began < limits.BODY_SECONDS + 30


def test_one_address_cannot_take_every_connection(api: Api, local: httpx.Client) -> None:
    with ExitStack() as stack:
        for _ in range(connections.MOST_OF_AN_ADDRESS):
            stack.enter_context(connected(api, "127.0.3.1"))

        def refused() -> bool:
            with connected(api, "127.0.3.1") as more:
                return statuses(answer_of(more)) == [503]

        eventually(refused)
        assert local.get("/v1/devices").status_code == 200


@pytest.mark.parametrize(
    "head",
    [
        "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 4",
        "Content-Length: 4\r\nContent-Length: 40",
        "Content-Length: +4",
        "Content-Length: 4, 4",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding: chunked, identity",
    ],
)
def test_a_request_is_not_smuggled_within_another(api: Api, head: str) -> None:
    inner = "GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n"
    with connected(api) as sock:
        sock.sendall(
            f"POST /v1/sessions HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n0\r\n\r\n{inner}".encode()
        )
        # Never two answers of which the second is the inner one's.
        assert 200 not in statuses(answer_of(sock)), head


def test_a_line_of_a_header_is_not_folded_and_holds_no_line_break(api: Api) -> None:
    for line in ("X-A: b\r\n folded", "X-\x00: b", "X A: b", ": b", "X-A\n: b"):
        with connected(api) as sock:
            sock.sendall(f"GET /v1/health HTTP/1.1\r\nHost: x\r\n{line}\r\n"
                         "Connection: close\r\n\r\n".encode())  # fmt: skip
            assert statuses(answer_of(sock))[0] in {200, 400}


@pytest.mark.parametrize("what", STRINGS)
def test_a_string_in_any_place_does_nothing_and_fails_nothing(
    api: Api, what: str, local: httpx.Client
) -> None:
    """Every path parameter, query parameter and string of a body, of every route."""
    text = STRINGS[what]
    mark = api.log.stat().st_size
    safe = text.encode("utf-8", "surrogatepass")
    quoted = "".join(f"%{byte:02x}" for byte in safe)[:6000]
    with api.client(token_of(api, Role.ADMIN)) as client:
        for path, methods in PAGE["paths"].items():
            for method, operation in methods.items():
                if path in {"/v1/events", "/v1/sessions/current"}:
                    continue
                filled = path
                query = []
                for one in operation.get("parameters", ()):
                    if one["in"] == "path":
                        filled = filled.replace(f"{{{one['name']}}}", quoted)
                    elif one["in"] == "query":
                        query.append(f"{one['name']}={quoted}")
                body = body_of(operation, text)
                sent = json.dumps(body).encode() if body is not None else None
                answer = client.request(
                    method.upper(), f"{filled}?{'&'.join(query[:1])}", content=sent,
                    headers={"If-Match": '"1"', "Content-Type": "application/json"},
                )  # fmt: skip
                assert answer.status_code < 500 or answer.status_code == 503, (
                    method, path, answer.text,
                )  # fmt: skip
                assert "set-cookie" not in answer.headers
                assert api.local_token not in answer.text
    assert local.get("/v1/devices").status_code == 200
    with api.log.open("rb") as log:
        log.seek(mark)
        for line in log.read().splitlines():
            assert json.loads(line)["message"] != "forged"  # each line one record of ours


def body_of(operation: dict[str, object], text: str) -> object:
    """A body with the text in every place for a string."""
    schemas = PAGE["components"]["schemas"]
    content = operation.get("requestBody", {}).get("content", {})  # type: ignore[attr-defined]

    def made(schema: dict[str, object], depth: int = 0) -> object:
        if depth > 6:
            return text
        if "$ref" in schema:
            return made(schemas[str(schema["$ref"]).rpartition("/")[2]], depth + 1)
        for union in ("anyOf", "oneOf", "allOf"):
            if union in schema:
                return made(schema[union][0], depth + 1)  # type: ignore[index]
        match schema.get("type"):
            case "object":
                properties: dict[str, dict[str, object]] = schema.get("properties", {})  # type: ignore[assignment]
                return {name: made(one, depth + 1) for name, one in properties.items()} or {
                    text[:50]: text
                }
            case "array":
                return [made(schema.get("items", {}), depth + 1)]  # type: ignore[arg-type]
            case "integer" | "number":
                return 1
            case "boolean":
                return True
            case _:
                return text

    for media, one in content.items():
        if media == "application/json":
            return made(one["schema"])
    return None


@pytest.mark.parametrize(
    "body",
    [b"[" * 200_000, b'{"a":' * 100_000, b"9" * 100_000, b"1e999999", b"\xff\xfe", b"NaN",
     b'{"username":"a","username":"b"}', b'"\\ud800"', b""],
)  # fmt: skip
def test_a_strange_body_is_refused(api: Api, body: bytes) -> None:
    with api.client() as client:
        answer = client.post(
            "/v1/sessions", content=body, headers={"Content-Type": "application/json"}
        )
    assert answer.status_code in {400, 422}, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_path_leads_to_no_file(api: Api, local: httpx.Client) -> None:
    for path in (
        "/v1/../secrets/local-token", "/..%2f..%2fetc/passwd", "/v1/pipeline/..%2fsecrets/log",
        "/v1/pipeline/..%2f..%2fsecrets%2flocal-token%00/log", "/v1/pipeline/%2e%2e/log",
        "/v1/devices/..%2f..%2fx", "//etc/passwd", "/v1/openapi.json/../../settings.py",
        "/v1/pipeline/broker%0a/log", "/static/x", "/.git/config",
    ):  # fmt: skip
        with connected(api) as sock:
            sock.sendall(
                f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.local_token}\r\n"
                "Connection: close\r\n\r\n".encode()
            )
            status = statuses(answer_of(sock))[0]
            # 503: nothing was ever started here, said before the stage is looked at.
            assert status in {400, 404, 405, 422, 503}, path
    rows = "name,label\n../../x,a\n"
    assert local.post("/v1/device-imports", content=rows).status_code == 422


def test_an_export_holds_no_formula(api: Api, local: httpx.Client, past: Past) -> None:
    register(local, "sec-formula", label="=1+1", site="@SUM(A1)")
    texts = ['=HYPERLINK("http://x")', "+1", "-1+1", "@x", "\t=1", 'plain, "quoted"\nline']
    series = past.channel("note")
    past.readings(past.channel("number"), 1)
    for n, text in enumerate(texts):
        past.text(series, text, BEGIN + timedelta(seconds=n))
    when = f"from={quote(BEGIN.isoformat())}&to={quote((BEGIN + timedelta(hours=1)).isoformat())}"
    table = local.get(f"/v1/readings?device={past.device}&channel=note&format=csv&{when}")
    assert table.status_code == 200, table.text
    cells = [row["text"] for row in csv.DictReader(io.StringIO(table.text, newline=""))]
    assert cells == [*(f"'{text}" for text in texts[:5]), texts[5]]
    trail = local.get("/v1/audit?format=csv").text
    for row in csv.DictReader(io.StringIO(trail, newline="")):
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row.values())
        if row["after"]:
            json.loads(row["after"])


def test_an_answer_tells_a_browser_to_show_and_keep_nothing(local: httpx.Client) -> None:
    for path in ("/v1/health", "/v1/devices", "/v1/devices/nobody", "/nowhere"):
        headers = local.get(path, headers={"Origin": "https://elsewhere.example"}).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert not any(name.startswith("access-control") for name in headers)
        assert "server" not in headers
        assert "set-cookie" not in headers
    asked = local.options(
        "/v1/devices",
        headers={"Origin": "https://x.example", "Access-Control-Request-Method": "POST"},
    )
    assert asked.status_code == 405


def test_a_token_is_taken_from_its_header_alone_and_stands_in_no_log(api: Api) -> None:
    token = token_of(api, Role.ADMIN)
    with api.client() as client:
        for name in ("token", "access_token", "authorization", "key"):
            assert client.get(f"/v1/devices?{name}={token}").status_code == 401
        assert client.get("/v1/devices", headers={"Cookie": f"token={token}"}).status_code == 401
        assert client.get("/v1/devices", auth=("x", token)).status_code == 401
        good = client.get("/v1/devices", headers={"Authorization": f"Bearer {token}"})
        assert good.status_code == 200
    assert token not in api.log.read_text()


def test_a_flood_of_wrong_tokens_locks_nobody_out(api: Api, local: httpx.Client) -> None:
    with client_from(api, "127.0.4.1") as flood:
        for n in range(300):
            wrong = {"Authorization": f"Bearer fl_wrong{n}"}
            assert flood.get("/v1/devices", headers=wrong).status_code == 401
            body = {"token": f"wrong{n}", "request": "x"}
            assert flood.post("/v1/enrolment", json=body).status_code in {422, 429}
        for n in range(30):
            said = flood.post("/v1/pairings/redemption", json={"code": f"W{n}", "client": "x"})
            if said.status_code == 429:
                break
        else:
            assert said.status_code in {404, 405}, "guessing was never slowed down"
    assert local.get("/v1/devices").status_code == 200
    with client_from(api, "127.0.4.2") as other:
        body = {"username": "sec-bystander", "password": "wrong", "client": "x"}
        assert other.post("/v1/sessions", json=body).status_code == 401


def test_who_guesses_at_a_name_does_not_keep_its_owner_out(api: Api, local: httpx.Client) -> None:
    made = local.post("/v1/users", json={"username": "sec-owner", "role": "viewer"}).json()
    login = {"username": "sec-owner", "password": "correct horse battery", "client": "x"}
    with client_from(api, "127.0.4.3") as owner, client_from(api, "127.0.4.4") as stranger:
        accepted = {"code": made["invitation"]["code"], **login}
        del accepted["username"]
        assert owner.post("/v1/invitations/acceptance", json=accepted).status_code < 300
        session = owner.post("/v1/sessions", json=login).json()
        used = {"Authorization": f"Bearer {session['token']}"}
        assert owner.get("/v1/devices", headers=used).status_code == 200
        said = [
            stranger.post("/v1/sessions", json={**login, "password": f"w{n}"}).status_code
            for n in range(8)
        ]
        assert said[-1] == 429
        assert stranger.post("/v1/sessions", json=login).status_code == 429
        assert owner.post("/v1/sessions", json=login).status_code == 201


def test_a_password_in_the_field_of_the_name_stands_in_no_log(api: Api) -> None:
    with client_from(api, "127.0.4.5") as person:
        body = {"username": "my-Secret-Passw0rd", "password": "x", "client": "x"}
        assert person.post("/v1/sessions", json=body).status_code == 401
    assert "my-Secret-Passw0rd" not in api.log.read_text()


def test_the_log_of_the_api_is_one_record_a_line(api: Api) -> None:
    for line in Path(api.log).read_bytes().splitlines():
        assert json.loads(line)["level"] in {"DEBUG", "INFO", "WARNING", "ERROR"}

"""Questions to the real API."""

from __future__ import annotations

import io
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from cloud.stack import tls
from control_panel.client import links, nearby, pairing, trust
from control_panel.client.api import Api as Client
from control_panel.client.api import route
from control_panel.client.errors import (
    NotLoggedIn,
    NotReached,
    NotTrusted,
    Refused,
    StrangeAnswer,
)
from control_panel.client.links import Link
from control_panel.client.servers import Server
from control_panel.model.things import (
    Device,
    DeviceDetails,
    Pairing,
    Registered,
    ServerTold,
    Whoever,
)
from tests.cloud.control.api import Api
from tests.cloud.control.played import plan
from tests.control_panel.client.conftest import LoggedIn
from tests.control_panel.trading import let_in

LogIn = Callable[[str], LoggedIn]


def drawn() -> str:
    return f"dev-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def as_(logged_in: LogIn) -> Iterator[Callable[[str], Client]]:
    """Ask as a new person of a role."""
    with ExitStack() as closed:

        def ask(role: str) -> Client:
            server, token = logged_in(role)
            return closed.enter_context(closing(Client(server.url, server.ca, token)))

        yield ask


def test_an_invitation_and_a_pairing_log_in(local: Client, as_: Callable[[str], Client]) -> None:
    person = as_("operator")
    who = person.get(route("sessions", "current"), Whoever)
    assert who.role == "operator"
    code = local.post(route("pairings"), Pairing, {"username": who.username})
    server, session = let_in(links.read(code.text))
    assert (server.username, session.role) == (who.username, "operator")
    with pytest.raises(Refused, match="was used"):
        pairing.redeem(links.read(code.text))


def test_a_name_and_a_password_log_in(logged_in: LogIn) -> None:
    server, _ = logged_in("viewer")
    _, session = pairing.log_in(
        server.url, server.ca, server.username, "correct horse battery staple"
    )
    assert session.username == server.username
    with pytest.raises(NotLoggedIn, match="wrong"):
        pairing.log_in(server.url, server.ca, server.username, "wrong")


def test_nothing_is_sent_to_who_has_another_ca(api: Api) -> None:
    with pytest.raises(NotTrusted, match="another CA"):
        pairing.redeem(Link("pair", api.url, "0" * 64, "secret"))


def test_who_is_not_believed_is_told_apart_from_who_is_away(api: Api, tmp_path: Path) -> None:
    other = tls.ensure(tmp_path).ca.read_text()
    with pytest.raises(NotTrusted, match="not the server"):
        Client(api.url, other).get(route("health"), dict[str, str])
    ca = api.certificates.ca.read_text()
    with pytest.raises(NotReached, match="nobody answers"):
        Client("https://127.0.0.1:1", ca).get(route("health"), dict[str, str])
    with pytest.raises(NotReached, match="not known"):
        Client("https://nowhere.invalid", ca).get(route("health"), dict[str, str])
    with pytest.raises(NotTrusted, match="unusable"):
        Client(api.url, "nonsense")


def test_all_certificates_that_are_trusted_are_asked_again(api: Api, local: Client) -> None:
    assert trust.renewed(local.connections) == api.certificates.ca.read_text()


def test_things_are_made_changed_and_taken_away(as_: Callable[[str], Client]) -> None:
    client, name = as_("admin"), drawn()
    made = client.post(route("devices"), Registered, {"name": name, "site": "hall ä"})
    assert made.device.site == "hall ä"
    seen = client.get(route("devices", name), DeviceDetails)
    described = {"label": "North", "site": seen.site}
    changed = client.put(route("devices", name), Device, described, seen=seen.version)
    assert changed.label == "North"
    with pytest.raises(Refused) as refused:
        client.put(route("devices", name), Device, described, seen=seen.version)
    assert refused.value.changed_meanwhile
    client.delete(route("devices", name))
    with pytest.raises(Refused) as gone:
        client.get(route("devices", drawn()), DeviceDetails)
    assert (gone.value.status, bool(gone.value.fix), bool(gone.value.request)) == (404, True, True)


def test_what_one_may_not_do_is_refused_in_words(as_: Callable[[str], Client]) -> None:
    with pytest.raises(Refused, match="is viewer here") as refused:
        as_("viewer").post(route("devices"), Registered, {"name": drawn()})
    assert (refused.value.status, refused.value.kind) == (403, "not-allowed")


def test_a_list_is_asked_page_by_page(local: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {drawn() for _ in range(5)}
    for name in names:
        local.post(route("devices"), Registered, {"name": name, "site": "paged"})
    monkeypatch.setattr("control_panel.client.api._PAGE", 2)
    found = local.every(route("devices"), Device, {"site": "paged"})
    assert {device.name for device in found} == names


def test_a_file_is_saved_as_it_comes(local: Client) -> None:
    file = io.BytesIO()
    written = local.save(route("audit"), file, {"format": "csv"})
    assert written == len(file.getvalue()) > 0
    assert file.getvalue().startswith(b"id,time,") or b"," in file.getvalue().splitlines()[0]


def test_an_answer_of_another_shape_is_strange(local: Client) -> None:
    with pytest.raises(StrangeAnswer, match="not understood"):
        local.get(route("health"), Device)


def test_an_api_that_was_started_anew_is_asked_over_a_new_connection(
    api: Api, local: Client
) -> None:
    assert local.get(route("server"), ServerTold).version
    api.stop()
    with pytest.raises(NotReached):
        local.get(route("server"), ServerTold)
    api.start()
    assert local.get(route("server"), ServerTold).version


def test_many_threads_ask_at_once(local: Client) -> None:
    answers: list[str] = []

    def ask() -> None:
        answers.extend(local.get(route("server"), ServerTold).version for _ in range(5))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 40


def test_a_server_of_this_machine_is_found_and_paired_without_a_code(
    api: Api, logged_in: LogIn, tmp_path: Path
) -> None:
    server, _ = logged_in("operator")
    data = tmp_path / "data"
    (data / "run").mkdir(parents=True)
    (data / "run" / "plan.json").write_bytes(plan(api))
    places = nearby.folders({"FIELDLINE_DATA": str(data), "HOME": str(tmp_path)})
    found = [one for one in nearby.look(places) if one.url == api.url]
    assert [one.data for one in found] == [str(data)]
    assert server.username in {user.username for user in nearby.people(found[0])}
    link = nearby.pair(found[0], server.username)
    paired, session = let_in(link)
    assert (paired, session.role) == (server, "operator")
    invited = nearby.invite(found[0], f"first-{uuid.uuid4().hex[:8]}")
    assert let_in(invited, "correct horse battery staple")[1].role == "admin"


def test_what_is_no_data_folder_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "plan.json").write_text("nonsense")
    assert nearby.look(iter([tmp_path, tmp_path / "nothing"])) == []


def test_a_server_is_kept_by_who_is_logged_in_there() -> None:
    assert Server("https://plant:8443", "PEM", "ada").name == "ada@plant:8443"

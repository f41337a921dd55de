"""What the server and the client say in sentences, in a person's own language and times.

Both say English, as the logs and the command line have it; so a sentence is known here by its form.
One that is not known stays as it is.
"""

import re
from datetime import UTC, datetime
from functools import lru_cache
from string import Formatter
from typing import NamedTuple

from PySide6.QtCore import QCoreApplication

from control_panel.qt import words

_TIME = "%Y-%m-%d %H:%M:%S UTC"
_FORMS = {
    "at": r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC",
    "n": r"[\d.,]+",
    "m": r"[\d.,]+",
    "seconds": r"[\d.,]+",
    "share": r"\d+%",
    "device": r"[A-Za-z0-9][A-Za-z0-9._-]*",
    "stage": r"[a-z]+",
    "why": r".+",
}
"""What may stand for a name in braces; anything may for others. `why` is a sentence itself."""


class Sentence(NamedTuple):
    """A sentence of the server's or the client's, and by what it is known."""

    text: str
    pattern: re.Pattern[str]


def says(text: str) -> Sentence:
    """Know a sentence as its source writes it, with names in braces for what differs."""
    parts = []
    for literal, name, _, _ in Formatter().parse(text):
        parts.append(re.escape(literal))
        if name is not None:
            parts.append(f"(?P<{name}>{_FORMS.get(name, '.+?')})")
    return Sentence(text, re.compile("".join(parts), re.DOTALL))


def heard(text: str) -> str:
    """Return a sentence as it is said to a person here."""
    sentence, given = _known(text)
    if sentence is None:
        return text
    told = dict(given)
    if "at" in told:
        told["at"] = words.moment(datetime.strptime(told["at"], _TIME).replace(tzinfo=UTC))
    if "why" in told:
        told["why"] = heard(told["why"])
    return QCoreApplication.translate("fieldline", sentence.text).format(**told)


@lru_cache(4096)
def _known(text: str) -> tuple[Sentence | None, tuple[tuple[str, str], ...]]:
    for sentence in SENTENCES:
        found = sentence.pattern.fullmatch(text)
        if found:
            return sentence, tuple(found.groupdict().items())
    return None, ()


SENTENCES = (
    # how devices do (cloud/control/status/judge.py, and their own words)
    says("it has never connected"),
    says("it gave no reason"),
    says("by hand"),
    says("connection lost"),
    says("stopped"),
    says("revoked"),
    says("{share} of it hold readings that are not stored, the oldest of {at}"),
    says("{share} of it hold readings that are not stored"),
    says("nothing sets its clock: its times are estimated"),
    says("every source is switched off or at its end"),
    says("no reading was stored since {at}; usually every {n} s"),
    says("no reading was stored yet; usually every {n} s"),
    says("{source}: gives no reading"),
    # how stages do (cloud/stack/states.py, probes.py; cloud/control/pipeline/watch.py)
    says("made no progress after {n} restarts within an hour: {why}"),
    says("{why}; it ended {n} times, saying: {words}"),
    says("nothing is up; `fieldline up` starts it"),
    says("stopped by hand; `fieldline start` starts it"),
    says("stopped by hand"),
    says("it ended"),
    says("it ends as soon as it is started"),
    says("has said nothing for {n} s"),
    says("{n} wait, and none has gone on for {seconds} s"),
    says("has not begun to work"),
    says("does not answer within {n} s"),
    says("nobody listens at its port"),
    says("does not answer: nobody listens at its port"),
    # what an action brings about (cloud/control/pipeline/graph.py)
    says(
        "Devices can neither send nor be told anything: each keeps its readings in its own "
        "buffer, and sends them when the broker is back."
    ),
    says(
        "The panel sees no live values, and a device that is revoked now is cut off when the "
        "broker is back, not at once."
    ),
    says(
        "The bridge takes no more packs: readings wait in the devices' buffers, because no "
        "device is told that they arrived."
    ),
    says("The stream has nothing to read."),
    says(
        "Nothing is stored: readings wait in Kafka, and those that Kafka does not keep long "
        "enough wait in the devices' buffers too, until they are stored."
    ),
    says(
        "Dashboards and this API have no data, and nobody can log in here: only this "
        "machine's own `fieldline` command can start it again."
    ),
    says(
        "Packs go no further than the broker: readings wait in the devices' buffers, and are "
        "sent again when the bridge is back."
    ),
    says(
        "Nothing new is stored, and no alert is evaluated: readings wait in Kafka, and in the"
        " devices' buffers until they are stored."
    ),
    says("Dashboards cannot be looked at. Readings are stored as before."),
    says("Nobody can log in or change anything. Readings are stored as before."),
    says("Devices connect again and send what they have kept."),
    says("The bridge goes on, and devices send what they have kept."),
    says("The stream goes on where it ended, and people can log in again."),
    says("Devices send what they have kept."),
    says("What waits in Kafka is stored, oldest first."),
    says("Dashboards can be looked at."),
    says("People can log in again."),
    says("Without {stage} no progress is made by: {names}."),
    says("For some seconds:"),
    says("Then: {why}"),
    says("No reading is lost while the devices' buffers have room."),
    says("These are started, in this order: {names}."),
    says("These are stopped, in this order: {names}. PostgreSQL and the API stay."),
    says("Nothing is received or stored: readings wait in the devices' buffers."),
    says("Then all are started again, and devices send what they have kept."),
    # commands and configuration of a device (cloud/control/remote)
    says("the broker is away; the command waits until it comes back"),
    says("the broker is away; the command waits until {at}"),
    says("{why}; the command waits until it comes back"),
    says("{why}; the command waits until {at}"),
    says("it is being sent"),
    says(
        "it was sent, and {device} has not said whether it was done; it is asked again when "
        "it comes back"
    ),
    says("it was sent, and {why}; {device} is asked again when it comes back"),
    says("{device} was sent it and has not answered yet"),
    says("{device} has done it"),
    says("{device} was not reached in time; it was not done"),
    says("it was withdrawn before it was sent"),
    says("{why}; {device} takes version {n} when it comes back"),
    says("{device} was told version {n} and has not answered yet"),
    says("{device} refuses version {n}: {why}"),
    says("{device} has taken version {n}; {why}"),
    says("{device} refuses: {why}"),
    says("{device} was never told anything: its agent.toml holds"),
    says("{device} does what it should"),
    says("{device} has never connected"),
    says("{device} is offline since {at} ({why})"),
    says("{device} is offline since {at}"),
    says("{device} is offline ({why})"),
    says("{device} is offline"),
    says("the broker is away"),
    # the disk (cloud/control/storage)
    says(
        "the disk will be full in {n} days, {m} GB are free; make room, shorten [retention] in "
        "fieldline.toml, or use a larger disk"
    ),
    says(
        "only {n} GB of the disk are free; make room, shorten [retention] in fieldline.toml, or "
        "use a larger disk"
    ),
    says("not known yet: that takes a day of watching"),
    says("not within ten years, as it grows now and with the retention set"),
    says("full in {n} days, as it grows now and with the retention set"),
    # between panel and server (control_panel/client)
    says("the server's answer is not understood ({error})"),
    says("Are server and panel of the same version? Update the older one"),
    says("the server refuses without words of its own (HTTP {n})"),
    says("Is something between panel and server, such as a proxy?"),
    says("{where} is not the server that this panel was paired with ({error})"),
    says("Nothing was sent to it. Was the server set up anew? Then pair the panel again"),
    says("the certificate of {where} is not valid yet"),
    says("the certificate of {where} is not valid any more"),
    says("Is this computer's clock right? Else `fieldline up` on the server renews it"),
    says("the certificate of {where} is for another name"),
    says("Use the name that the server was given, or add this one to its settings ([api] names)"),
    says("the server's CA is unusable ({error})"),
    says("Pair the panel anew"),
    says("the connection to {where} was cut off"),
    says("the connection to {where} was lost ({error})"),
    says("Is the network there, and the server running?"),
    says("{where} does not speak TLS as it should ({error})"),
    says("Is this the address of the server's API?"),
    says("{where} does not answer in time"),
    says("Is the server busy, or the network slow?"),
    says("the name {where} is not known in this network"),
    says("Check the name; is this computer in the server's network?"),
    says("nobody answers at {where} ({error})"),
    says("nobody answers at {where}"),
    says("Is the server running (`fieldline status` there), and the port open?"),
    says("Is the server running (`fieldline status` there), and its port open to you?"),
    says("{file} cannot be read ({error})"),
    says("{file} cannot be written ({error})"),
    says("Check whose it is, and the disk"),
    says("Check whose the folder is, and the disk"),
    says("Choose another folder, or make room"),
    says("the broker at {where} does not let this panel in ({error})"),
    says("`fieldline doctor` on the server looks at the broker's rules"),
    says("the broker at {where} cannot be reached ({error})"),
    says("Is the port open between here and the server? Devices need it, too"),
    says("the broker at {where} does not answer"),
    says("`fieldline doctor` says why"),
    says("this is too long for a link"),
    says("there is no link in it: one begins with fieldline:"),
    says(
        "On the server `fieldline pair NAME` prints one; an administrator's invitation is one, too"
    ),
    says("this link is for a device, not for the panel"),
    says("Use it on the device: fieldline-agent enrol. {why}"),
    says("the link is not whole: {error}"),
    says("Copy all of it. {why}"),
    says("{words} is no address of a server"),
    says("It is like https://server:8443"),
    says("the CA's fingerprint is not whole: it has 64 hexadecimal digits"),
    says("`fieldline ca show` on the server prints it"),
    says("{file} is no data folder ({error})"),
    says("Name the server instead"),
    says("the keyring does not give or take the panel's secret ({error})"),
    says("Unlock it, then try again"),
    says("{file} is damaged ({error})"),
    says("{file} is damaged"),
    says("Delete it, and pair the panel anew"),
    says("{where} did not send its CA"),
    says("Is this the address of a Fieldline server?"),
    says("{where} has another CA than the link says: {words}"),
    says("Somebody may be in between; nothing was sent. Check the network, draw a new link"),
    says("the server did not send its CA"),
    says("Is it of another version?"),
    # what the server says no to (cloud/control)
    says("log in anew (POST /v1/sessions), or pair the panel again"),
    says("{user} is {role} here; this needs {needed}"),
    says("ask an administrator, or log in as one"),
    says("it takes longer than {n} s"),
    says("choose a shorter time, or a device or a channel"),
    says("another rule is looked at"),
    says("ask again in a few seconds"),
    says("{words} is past"),
    says("say a later time"),
    says("there is a rule {words} already"),
    says("there is a target {words} already"),
    says("choose another name, or change it"),
    says("choose another, or change it"),
    says("{n} readings are too many to be tried while you wait"),
    says("PostgreSQL does not answer: {error}"),
    says("see `fieldline status` and `fieldline logs postgres`; nothing was changed"),
    says("see `fieldline status` and `fieldline logs postgres`"),
    says("there is a device {device} already, and {n} more"),
    says("there is a device {device} already"),
    says("choose another name; a dead device's place is taken by its replacement"),
    says("{device} is {state} already"),
    says("nothing is to do"),
    says("see its status, and try again when it is online"),
    says("an edit must say which version it is of"),
    says("it is at version {n} now, and {m} was seen"),
    says("get it again, and repeat the change on what it is now"),
    says("{n} exports are under way"),
    says("try again in a while, or ask for less"),
    says("the name or the password is wrong"),
    says("try again, or ask an administrator for a new invitation"),
    says("the password will not do: {error}"),
    says("choose a longer one, of several words for instance"),
    says("the invitation's code is not known, was used, or has expired"),
    says("the pairing's code is not known, was used, or has expired"),
    says("ask for another"),
    says("too many attempts were wrong"),
    says("wait {n} s"),
    says("{stage}: a {words} is under way"),
    says("wait until events say that it is done, then look again"),
    says("the API cannot stop or restart itself and answer"),
    says("run `fieldline {words} api` on the server"),
    says("{stage} does not run on this machine"),
    says("the server failed; nothing was changed"),
    says("look for the request's id in `fieldline logs api`"),
    says("{device} is an MQTT client of another make"),
    says("only devices that run the agent take commands"),
    says("restore or replace it first"),
    says("the broker is away, so no device can be told anything"),
    says("see `fieldline status`; or say with `wait_s` how long the command may wait"),
    says("say with `wait_s` how long the command may wait for it (null: for ever)"),
    says("{why}; nothing was sent"),
    says("{n} commands wait for {device} already"),
    says("withdraw some, or wait until it has answered"),
    says("only what was not sent yet can be withdrawn; give another command"),
    says("a verification that {user} began runs already"),
    # what the demonstration declines (control_panel/client/demo)
    says("This is a demonstration: a real server would {why}"),
    says("This is a demonstration: a real board would take the command {words}"),
    says("Start Fieldline without --demo to connect to a server"),
    says("do this now"),
    says("register it, and show a command and a QR code by which it joins"),
    says("register all of these devices at once, each with a code by which it joins"),
    says("draw a code by which the device joins, good once and for 15 minutes"),
    says("draw a code by which another device takes its place and goes on with its series"),
    says("shut the device out at once, everywhere"),
    says("let the device in again, with the name and the history that it had"),
    says("tell the device what it should do, and show what it says to that"),
    says("tell the device, and show its answer here"),
    says("withdraw the command before the device hears of it"),
    says("keep the new description, and offer to take that back"),
    says("start every stage in its order, and show how far it is"),
    says("stop the stages in their order; devices would keep their readings"),
    says("restart the stages one after the other, and show how far it is"),
    says("start the stage, and show how far it is"),
    says("stop the stage; what it would carry waits where it is safe"),
    says("restart the stage, and show how far it is"),
    says("note that you see to it, and show that to all others"),
    says("take the acknowledgement back"),
    says("tell nobody of it for that time"),
    says("tell people again of what still fires"),
    says("keep the rule and watch for it from the next reading on"),
    says("watch by the changed rule from the next reading on"),
    says("watch for it no longer, and offer to take that back"),
    says("keep the target and tell it of alerts"),
    says("send a test message there, and show what came of it"),
    says("tell this target no more"),
    says(
        "compare every aggregate with the readings it is made of, look for every pack, and "
        "show here what it finds"
    ),
)

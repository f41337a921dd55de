"""`fieldline completion bash|zsh`: a script for the shell, made of the commands' own arguments."""

import argparse
from collections.abc import Iterator

import shtab

from cloud.stack import asking
from cloud.stack.cli import make_parser
from cloud.stack.client import Client
from cloud.stack.errors import StackError
from cloud.stack.folder import Folder
from cloud.stack.plan import STAGES, read_plan

_STAGES = {"bash": "_fieldline_stages", "zsh": "_fieldline_stages"}
_DEVICES = {"bash": "_fieldline_devices", "zsh": "_fieldline_devices"}
_GROUPS = {"bash": "_fieldline_groups", "zsh": "_fieldline_groups"}
_WHAT = {
    "STAGE": _STAGES,
    "DEVICE": _DEVICES,
    "GROUP": _GROUPS,
    "FILE": shtab.FILE,
    "FILE|DIR": shtab.FILE,
    "FILE|KEY=VALUE": shtab.FILE,
    "DIR": shtab.DIRECTORY,
}
"""How an argument is completed, by its metavar."""

_LISTS = {
    "stages": f"echo {' '.join(STAGES)} all",
    "devices": "fieldline completion --names devices 2>/dev/null",
    "groups": "fieldline completion --names groups 2>/dev/null",
}
_FUNCTION = {
    "bash": '_fieldline_{name}() {{\n  compgen -W "$({words})" -- "$1"\n}}',
    "zsh": "_fieldline_{name}() {{\n  compadd -- $({words})\n}}",
}


def run(folder: Folder, options: argparse.Namespace) -> int:
    """Print the script, or the names that it asks for."""
    if options.names:
        print("\n".join(_names(folder, options.names)))
    elif options.shell:
        print(script(options.shell))
    else:
        raise StackError("say for which shell: bash or zsh")
    return 0


def script(shell: str) -> str:
    """Return the script by which a shell completes `fieldline`."""
    parser = make_parser()
    for words, command in leaves(parser):
        for action in command._actions:
            metavar = str(action.metavar)
            if words[0] == "device" and metavar == "NAME" and words[1] not in {"add", "enrol"}:
                metavar = "DEVICE"
            if metavar in _WHAT:
                action.complete = _WHAT[metavar]  # type: ignore[attr-defined]
    functions = [_FUNCTION[shell].format(name=name, words=words) for name, words in _LISTS.items()]
    made: str = shtab.complete(parser, shell=shell, preamble="\n".join(functions))
    return made


def leaves(
    parser: argparse.ArgumentParser, words: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser]]:
    """Go through all commands: the words that name one, and its arguments."""
    below = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    if not below:
        yield words, parser
    for action in below:
        for name, command in action.choices.items():
            yield from leaves(command, (*words, name))


def _names(folder: Folder, of: str) -> list[str]:
    client = Client(read_plan(folder).api)
    return [str(one["name"]) for one in asking.pages(client, asking.path(of))]

import shlex
from pathlib import Path

from supervisor.options import ServerOptions

from cloud.stack.folder import Folder
from cloud.stack.programs import FOREVER, Program, supervisor_config


def _read(programs: list[Program], tmp_path: Path) -> ServerOptions:
    """Let supervisord itself read the text."""
    folder = Folder(tmp_path / "field line")
    folder.run.mkdir(parents=True)
    folder.logs.mkdir()
    folder.supervisor_config.write_text(
        supervisor_config(folder, programs, as_root=False, open_files=4096)
    )
    options = ServerOptions()
    options.realize(["-c", str(folder.supervisor_config)])
    return options


def test_supervisord_reads_commands_as_they_were_meant(tmp_path: Path) -> None:
    command = ["/bin/echo", "a b", "c'd", "--x=1"]
    options = _read([Program("kafka", command, priority=10)], tmp_path)
    [group] = options.process_group_configs
    [process] = group.process_configs
    assert shlex.split(process.command) == command
    assert process.startretries == FOREVER
    assert process.autorestart is not False
    assert process.redirect_stderr


def test_what_may_end_by_itself_stays_ended_after_a_success(tmp_path: Path) -> None:
    from supervisor.datatypes import RestartWhenExitUnexpected

    options = _read(
        [Program("replay", ["/bin/true"], priority=1, group="demo", once=True)], tmp_path
    )
    [group] = options.process_group_configs
    assert group.name == "demo"
    [process] = group.process_configs
    assert process.autorestart is RestartWhenExitUnexpected
    assert process.exitcodes == [0]


def test_programs_start_in_their_order_and_only_their_owner_may_speak_to_them(
    tmp_path: Path,
) -> None:
    programs = [
        Program("stream", ["/bin/true"], priority=50, whole_group=True),
        Program("broker", ["/bin/true"], priority=10, environment={"A": "1 2"}),
    ]
    options = _read(programs, tmp_path)
    by_name = {group.name: group for group in options.process_group_configs}
    assert by_name["broker"].priority < by_name["stream"].priority
    assert by_name["stream"].process_configs[0].killasgroup
    mark = {"FIELDLINE_SUPERVISED": str(tmp_path / "field line")}
    assert by_name["broker"].process_configs[0].environment == {"A": "1 2", **mark}
    assert options.server_configs[0]["chmod"] == 0o600

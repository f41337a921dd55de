from pathlib import Path

import pytest

from cloud.stack.errors import StackError
from cloud.stack.folder import Folder, default_data
from cloud.stack.lock import Locked, locked
from cloud.stack.preflight import check_path, make_folder


@pytest.mark.parametrize(
    ("environment", "uid", "expected"),
    [
        ({}, 0, "/var/lib/fieldline"),
        ({"FIELDLINE_DATA": "/srv/f"}, 0, "/srv/f"),
        ({"HOME": "/home/ada"}, 1000, "/home/ada/.local/share/fieldline"),
        ({"HOME": "/home/ada", "XDG_DATA_HOME": "/x"}, 1000, "/x/fieldline"),
    ],
)
def test_every_command_finds_the_same_folder(
    environment: dict[str, str], uid: int, expected: str
) -> None:
    assert default_data(environment, uid) == Path(expected)


@pytest.mark.parametrize("path", ["/a%b", '/a"b', "/a;b", "/" + "x" * 100])
def test_a_path_that_no_configuration_can_hold_is_refused(path: str) -> None:
    with pytest.raises(StackError, match="choose another with --data"):
        check_path(Folder(Path(path)))


def test_a_path_with_a_space_is_fine() -> None:
    check_path(Folder(Path("/home/ada l/field line")))


def test_a_folder_that_cannot_be_made_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StackError, match="cannot be written to"):
        make_folder(Folder(tmp_path / "file" / "data"))


def test_a_second_up_is_told_of_the_first(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.run.mkdir()
    with locked(folder), pytest.raises(Locked, match=r"process \d+"), locked(folder):
        pass
    with locked(folder):
        pass

"""The entry point: its version, unknown commands, output that cannot be written, and imports that help avoids."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from darlr import __version__
from darlr.cli.main import COMMANDS
from tests.cli.conftest import Command

FULL = Path("/dev/full")


def test_it_tells_its_version(darlr: Command) -> None:
    ended = darlr("--version")
    assert (ended.code, ended.out, ended.err) == (0, f"darlr {__version__}\n", "")


@pytest.mark.parametrize(("given", "hint"), [("trian", "; did you mean 'train'?"), ("zzzzzz", "")])
def test_an_unknown_command_is_one_line_with_the_nearest_name(darlr: Command, given: str, hint: str) -> None:
    ended = darlr(given, "--epochs", 3)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"darlr: unknown command '{given}'{hint} (known: {', '.join(sorted(COMMANDS))})\n"


def test_an_unknown_option_in_place_of_a_command_is_one_line(darlr: Command) -> None:
    ended = darlr("--versoin")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("darlr: unknown option '--versoin'; did you mean '--version'?")


def test_an_unknown_option_of_a_command_names_the_nearest(darlr: Command) -> None:
    ended = darlr("report", "runs", "--ouut", "page.html")
    assert ended.code == 2
    assert "--out FILE" in ended.out + ended.err


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_shells_get_their_completions(darlr: Command, shell: str) -> None:
    ended = darlr("--tyro-print-completion", shell)
    assert not ended.code  # None: it ended well
    assert ended.err == ""
    for word in ("darlr", *COMMANDS, "--tensorboard"):
        assert word in ended.out


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("arguments", [["datasets"], ["--version"], ["check", "synthetic"], ["train", "--help"]])
def test_output_that_cannot_be_written_is_one_line(arguments: list[str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "darlr.cli.main", *arguments]
    with FULL.open("w") as full:
        ended = subprocess.run(command, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ended.returncode == 3
    assert ended.stderr == "darlr: standard output cannot be written (No space left on device)\n"


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
def test_errors_that_cannot_be_told_leave_their_exit_code(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "darlr.cli.main"]
    with FULL.open("w") as full:
        for arguments, code in ((["trian"], 2), (["train", "--epochs", "1"], 3)):
            ended = subprocess.run([*command, *arguments], cwd=tmp_path, stdout=subprocess.PIPE, stderr=full, check=False)
            assert (ended.returncode, ended.stdout) == (code, b"")


def test_help_waits_for_torch_only_where_it_names_methods() -> None:
    program = """
        import sys
        from darlr.cli.main import COMMANDS, main
        others = [[name, "--help"] for name in COMMANDS if name not in ("train", "tune", "config", "check")]
        for arguments in (["--help"], ["--version"], *others):
            sys.argv = ["darlr", *arguments]
            try:
                main()
            except SystemExit as end:
                assert end.code == 0
            assert "torch" not in sys.modules, arguments
        """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True, capture_output=True)

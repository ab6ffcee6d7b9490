"""darlr needs no module that Windows lacks: it is imported, trains and serves requests without them.

Modules and names that only Unix has are taken away from darlr in a process of its own. Libraries that it calls keep them: what
they do on another system is theirs to test.
"""

import subprocess
import sys
import textwrap
from pathlib import Path

WITHOUT = """
import builtins, os, pkgutil, signal, sys, types

MODULES = {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty"}
NAMES = {
    os: ("O_NONBLOCK", "O_CLOEXEC", "sysconf", "fork", "set_blocking", "sched_getaffinity", "getuid", "mkfifo", "killpg"),
    signal: ("SIGPIPE", "SIGKILL", "SIGHUP", "SIGALRM", "SIGUSR1"),
}
real = builtins.__import__


def importing(name, globals=None, locals=None, fromlist=(), level=0):
    if name.partition(".")[0] in MODULES and (globals or {}).get("__name__", "").startswith("darlr"):
        raise ModuleNotFoundError(f"No module named '{name}'", name=name)
    return real(name, globals, locals, fromlist, level)


class Lacking(types.ModuleType):
    '''A module without some names, as darlr's own modules see it.'''

    def __init__(self, module, names):
        super().__init__(module.__name__)
        self.__dict__["_module"], self.__dict__["_names"] = module, names

    def __getattr__(self, name):
        if name in self._names:
            raise AttributeError(f"module '{self.__name__}' has no attribute '{name}'")
        return getattr(self._module, name)

    def __setattr__(self, name, value):
        setattr(self._module, name, value)


class Psutil(types.ModuleType):
    '''What psutil says on Windows.'''

    class Process:
        def memory_info(self):
            return types.SimpleNamespace(peak_wset=300 * 2**20)

    @staticmethod
    def virtual_memory():
        return types.SimpleNamespace(total=8 * 2**30)


LACKING = {module.__name__: Lacking(module, names) for module, names in NAMES.items()}
sys.modules["psutil"] = Psutil("psutil")


def importing_for_darlr(name, globals=None, locals=None, fromlist=(), level=0):
    found = importing(name, globals, locals, fromlist, level)
    if name in LACKING and (globals or {}).get("__name__", "").startswith("darlr"):
        return LACKING[name]
    return found


builtins.__import__ = importing_for_darlr
"""

EVERYTHING = """
import darlr
for found in pkgutil.walk_packages(darlr.__path__, "darlr."):
    try:
        __import__(found.name)
    except ModuleNotFoundError as error:
        if error.name.partition(".")[0] not in EXTRAS:
            raise
print("imported")
"""

TRAINING = """
from darlr.cli.main import main
for line in ARGUMENTS:
    sys.argv = ["darlr", *line]
    main()
"""

EXTRAS = ("ray",)
"""Packages of extras, which may be missing."""


def ended(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", WITHOUT + program], cwd=folder, capture_output=True, text=True, check=False)


def test_every_module_is_imported_without_what_only_unix_has(tmp_path: Path) -> None:
    found = ended(textwrap.dedent(f"EXTRAS = {EXTRAS}\n") + EVERYTHING, tmp_path)
    assert (found.returncode, found.stdout) == (0, "imported\n"), found.stderr


def test_the_test_would_notice_a_module_that_needs_unix(tmp_path: Path) -> None:
    package = tmp_path / "darlr_offender"
    package.mkdir()
    source = """
        import os

        def ask():
            import fcntl

        def size():
            return os.sysconf("SC_PAGE_SIZE")
        """
    (package / "__init__.py").write_text(textwrap.dedent(source))
    for call, told in (("ask", "No module named 'fcntl'"), ("size", "module 'os' has no attribute 'sysconf'")):
        found = ended(f"import darlr_offender\ndarlr_offender.{call}()\n", tmp_path)
        assert found.returncode == 1
        assert told in found.stderr


def test_a_run_learns_is_resumed_and_swept_without_what_only_unix_has(tmp_path: Path, small: list[str]) -> None:
    train = ["train", "--method", "mbpo", *small]
    grid = tmp_path / "grid.yaml"
    grid.write_text("datasets: synthetic\nmethods: ucb\nset:\n  synthetic: {users: 40, items: 50}\n  training: {epochs: 1}\n")
    lines = [train, train, ["report", "runs", "--out", "page.html"], ["sweep", "grid.yaml", "--workers", "1"]]
    found = ended(f"ARGUMENTS = {lines!r}\n{TRAINING}", tmp_path)
    assert found.returncode == 0, found.stderr
    assert "peak memory 300 MiB" in found.stdout
    assert "1 of 1 cell finished" in found.stdout
    assert (tmp_path / "page.html").is_file()

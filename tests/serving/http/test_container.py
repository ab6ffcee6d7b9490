"""The image and the compose file agree with the package: all files, commands and options that they name exist. No engine is
needed.
"""

import fnmatch
import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from benchmarks.serving import free_port

from darlr._version import __version__
from darlr.cli.main import main
from darlr.serving.http import server
from darlr.serving.http.gate import FREE
from darlr.serving.http.server import GRACE, HUNG
from darlr.serving.http.settings import ServiceSettings
from tests.runs import REPOSITORY
from tests.serving.http.conftest import Begin

PINNED = re.compile(r"^[a-z./]+:\d+\.\d+\.\d+(-[a-z]+)*$")
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
COMPOSE: dict[str, Any] = yaml.safe_load((REPOSITORY / "compose.yaml").read_text())


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions and their arguments, without comments and with lines joined."""
    lines = [line for line in (REPOSITORY / "Dockerfile").read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in joined.splitlines() if line)]


def values(name: str) -> list[str]:
    """Return the arguments of all instructions of a name."""
    return [rest for instruction, rest in instructions() if instruction == name]


def last_stage(name: str) -> list[str]:
    last = max(number for number, (instruction, _) in enumerate(instructions()) if instruction == "FROM")
    return [rest for instruction, rest in instructions()[last:] if instruction == name]


def environment() -> dict[str, str]:
    return dict(word.split("=", 1) for rest in last_stage("ENV") for word in shlex.split(rest))


def probe() -> list[str]:
    """Return the command of the image's health check."""
    [check] = last_stage("HEALTHCHECK")
    command: list[str] = json.loads(check.partition("CMD ")[2])
    return command


def served_by(monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> tuple[ServiceSettings, str, int, int]:
    """Return the settings that the command line makes of arguments of `darlr`."""
    seen: list[tuple[ServiceSettings, str, int, int]] = []
    monkeypatch.setattr(server, "serve", lambda *told: seen.append(told))
    monkeypatch.setattr("sys.argv", ["darlr", *arguments])
    main()
    [told] = seen
    return told


def test_bases_are_pinned_and_the_image_is_made_in_two_stages() -> None:
    bases = [base.split() for base in values("FROM")]
    assert all(PINNED.match(base[0]) for base in bases)
    assert [base[1:] for base in bases] == [["AS", "build"], []]
    assert len({base[0] for base in bases}) == 1  # what was built runs on what it was built for
    python = bases[0][0].partition(":")[2].rpartition("-slim")[0].rpartition(".")[0]
    assert f"Programming Language :: Python :: {python}" in PROJECT["project"]["classifiers"]


def test_what_is_copied_exists_and_reaches_the_builder() -> None:
    ignored = (REPOSITORY / ".dockerignore").read_text().splitlines()
    kept = [line.removeprefix("!") for line in ignored if line.startswith("!")]
    assert "*" in ignored
    copied = [word for rest in values("COPY") if not rest.startswith("--from") for word in rest.split()[:-1]]
    for name in copied:
        assert (REPOSITORY / name.rstrip("/")).exists()
        assert name.rstrip("/") in kept
    needed = ["pyproject.toml", PROJECT["project"]["readme"], *PROJECT["project"]["license-files"], "src", "constraints.txt"]
    assert set(needed) == set(kept) == {name.rstrip("/") for name in copied}
    assert not any(fnmatch.fnmatch(name, "*key*") for name in kept)


def test_what_is_installed_is_what_the_project_is_tested_with() -> None:
    installs = [rest for rest in values("RUN") if "pip" in rest and "install" in rest]
    assert len(installs) == 2
    assert all("--constraint constraints.txt" in rest for rest in installs)
    assert all("--mount=type=cache" in rest for rest in installs)
    [extras] = re.findall(r"'\.\[(.*?)\]'", installs[1])
    assert set(extras.split(",")) <= set(PROJECT["project"]["optional-dependencies"])
    assert "serve" in extras.split(",")
    assert '${TORCH_INDEX:+--index-url "$TORCH_INDEX"} torch' in installs[0]
    assert any(line.startswith("torch==") for line in (REPOSITORY / "constraints.txt").read_text().splitlines())


def test_nobody_is_root_and_nothing_needs_a_file_system_that_can_be_written() -> None:
    [user] = last_stage("USER")
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)  # by number, so that an engine can see that it is not root
    assert [name for name, _ in instructions()].index("USER") > [name for name, _ in instructions()].index("COPY")
    told = environment()
    assert all(told[name].startswith("/tmp/") for name in ("DARLR_CACHE", "MPLCONFIGDIR"))
    assert (told["PYTHONDONTWRITEBYTECODE"], told["PYTHONUNBUFFERED"], told["OMP_NUM_THREADS"]) == ("1", "1", "1")
    assert not any(re.search(r"key|secret|password|token", name, re.IGNORECASE) for name in told)


def test_the_image_starts_a_command_of_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    [entry], [command] = last_stage("ENTRYPOINT"), last_stage("CMD")
    assert json.loads(entry)[0] in PROJECT["project"]["scripts"]
    settings, host, port, workers = served_by(monkeypatch, json.loads(command))
    assert (host, [str(port)], workers) == ("0.0.0.0", last_stage("EXPOSE"), 1)
    [volume] = last_stage("VOLUME")
    assert Path(settings.run).parent == Path(json.loads(volume)[0])


@pytest.mark.slow  # starts a process that imports torch
def test_the_health_check_tells_a_service_from_none(begin: Begin, shop_run: Path) -> None:
    name, *arguments = probe()
    assert name == "python"
    asked = re.findall(r"'GET', '(.*?)'", arguments[-1])
    assert set(asked) <= FREE
    port, _ = begin(shop_run)

    def ended(at: int) -> int:
        words = [argument.replace(last_stage("EXPOSE")[0], str(at)) for argument in arguments]
        return subprocess.run([sys.executable, *words], check=False, capture_output=True, timeout=60).returncode

    assert ended(port) == 0
    assert ended(free_port()) != 0


def test_the_composed_service_is_one_that_the_command_line_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    service = COMPOSE["services"]["darlr"]
    settings, host, port, workers = served_by(monkeypatch, service["command"])
    assert service["image"] == f"darlr:{__version__}"
    assert (host, [str(port)]) == ("0.0.0.0", last_stage("EXPOSE"))
    assert service["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert workers > 1
    assert settings.sessions.partition("//")[2].partition(":")[0] in COMPOSE["services"]
    assert Path(settings.keys).parent == Path("/run/secrets")
    assert Path(settings.keys).name in service["secrets"]
    assert set(service["secrets"]) == set(COMPOSE["secrets"])
    assert any(volume.split(":")[1:] == ["/runs", "ro"] for volume in service["volumes"])
    assert service["read_only"] is True
    assert any(place.startswith("/tmp") for place in service["tmpfs"])
    assert int(service["stop_grace_period"].rstrip("s")) > GRACE + HUNG


def test_the_composed_redis_is_reached_by_the_service_alone() -> None:
    redis = COMPOSE["services"]["redis"]
    assert PINNED.match(redis["image"])
    assert "ports" not in redis
    [network] = redis["networks"]
    assert COMPOSE["networks"][network]["internal"] is True
    assert network in COMPOSE["services"]["darlr"]["networks"]
    assert set(COMPOSE["services"]["darlr"]["networks"]) == set(COMPOSE["networks"])
    assert COMPOSE["services"]["darlr"]["depends_on"] == {"redis": {"condition": "service_healthy"}}
    assert redis["healthcheck"]["test"] == ["CMD", "redis-cli", "ping"]
    [volume] = redis["volumes"]
    assert volume.partition(":")[0] in COMPOSE["volumes"]
    words = redis["command"].split()
    assert {"--maxmemory", "--maxmemory-policy"} <= set(words)

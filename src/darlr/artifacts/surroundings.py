"""The environment in which a run is made."""

import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

from darlr._version import __version__


def environment(device: torch.device | str) -> dict[str, Any]:
    """Describe versions, platform, device, threads, time (UTC) and git revision; the revision is None outside a checkout of
    darlr.

    The caller adds `data`: a mapping from the name of every data file to its hash.
    """
    return {
        "darlr": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "platform": platform.platform(),
        "device": _device_name(torch.device(device)),
        "threads": torch.get_num_threads(),
        "git_revision": _git_revision(Path(__file__).resolve().parents[3]),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _device_name(device: torch.device) -> str:
    return f"{device} ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else str(device)


def _git_revision(checkout: Path) -> str | None:
    """Return the commit, followed by '-dirty' after local changes; None for an installed copy, even inside another
    repository.
    """
    if not (checkout / ".git").exists():
        return None
    command = ["git", "-C", str(checkout), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None

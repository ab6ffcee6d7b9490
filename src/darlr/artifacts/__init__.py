"""What a run leaves behind: atomic files, checked tensors, run folders and the record of the environment."""

from darlr.artifacts.environment import environment
from darlr.artifacts.files import write_bytes
from darlr.artifacts.run_folder import RunFolder
from darlr.artifacts.tensors import read_tensors, write_tensors

__all__ = ["RunFolder", "environment", "read_tensors", "write_bytes", "write_tensors"]

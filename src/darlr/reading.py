"""Reading text files; every refusal names the file."""

from pathlib import Path

from darlr.errors import InputError


def is_file_or_pipe(path: Path) -> bool:
    """Whether `path` can be meant as a file: a shell hands over the output of a command (`<(command)`) as a pipe."""
    return path.exists() and not path.is_dir()


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, with or without a byte-order mark, its line ends as they are.

    Raises:
        InputError: if there is no such file, it may not be read, or it is not UTF-8 (naming the first line that is not).
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}: line {line} is not UTF-8 text") from error

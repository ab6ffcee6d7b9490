"""Generated files, packed like the official ones."""

import tarfile
import zipfile
from pathlib import Path


def pack_zip(folder: Path, archive: Path) -> Path:
    """Pack `folder`, which becomes the root, with entries for folders too; returns the archive."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        for path in _contents(folder):
            packed.write(path, path.relative_to(folder.parent))
    return archive


def pack_tar(folder: Path, archive: Path) -> Path:
    """The same as a .tar.gz."""
    with tarfile.open(archive, "w:gz", compresslevel=1) as packed:
        for path in _contents(folder):
            packed.add(path, str(path.relative_to(folder.parent)), recursive=False)
    return archive


def _contents(folder: Path) -> list[Path]:
    return [folder, *sorted(folder.rglob("*"))]

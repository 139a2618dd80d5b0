"""Packs what is pure Python into one archive, compiled: a cache brings one file back much faster than two thousand."""

import compileall
import py_compile
import shutil
import sysconfig
import zipfile
from pathlib import Path

MODULES = Path(sysconfig.get_path("purelib"))
# Known to be compiled from these sources by the key of the cache; the times of files are new with every job.
UNCHECKED = py_compile.PycInvalidationMode.UNCHECKED_HASH
OPENED_BY_PATH = {"certifi"}
NEVER_READ = {".pyi", ".pyx", ".pxd", ".c", ".h", ".rs"}


def is_pure(entry: Path) -> bool:
    if entry.name in OPENED_BY_PATH or entry.name.endswith(".dist-info"):
        return False
    if entry.is_dir():
        return not any(entry.rglob("*.so"))
    return entry.suffix == ".py" and not entry.name.startswith("_virtualenv")


def compiled(entry: Path) -> list[Path]:
    """The files of a package or module. In an archive, what is compiled stands beside its source."""
    if entry.is_dir():
        compileall.compile_dir(entry, quiet=2, force=True, legacy=True, invalidation_mode=UNCHECKED)
        return sorted(path for path in entry.rglob("*") if path.is_file())
    compileall.compile_file(entry, quiet=2, force=True, legacy=True, invalidation_mode=UNCHECKED)
    return [entry, entry.with_suffix(".pyc")]


def main() -> None:
    for path in [*MODULES.rglob("*")]:
        if path.suffix in NEVER_READ or path.suffix == ".pyc":
            path.unlink()
    packed = sorted(filter(is_pure, MODULES.iterdir()))
    with zipfile.ZipFile(MODULES / "packed.zip", "w") as archive:
        for entry in packed:
            found = compiled(entry)
            for path in found:
                archive.write(path, path.relative_to(MODULES))
            for path in found:
                path.unlink()
            if entry.is_dir():
                shutil.rmtree(entry)
    compileall.compile_dir(MODULES, quiet=2, force=True, invalidation_mode=UNCHECKED)
    (MODULES / "packed.pth").write_text("packed.zip\n")


if __name__ == "__main__":
    main()

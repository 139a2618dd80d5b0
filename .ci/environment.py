"""Make the project's own environment in FOLDER, also where Debian has left out ensurepip and pip.

Standard library only, in words that an old Python can read too, so that it can be told what it lacks.
"""

import hashlib
import html
import os
import re
import ssl
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from typing import NoReturn

OLDEST = (3, 10)
WHEEL = re.compile(r'<a\s[^>]*href="([^"]*/pip-([0-9.]+)-py3-none-any\.whl)(?:#sha256=([0-9a-f]{64}))?"[^>]*>')
REQUIRES = re.compile(r'data-requires-python="[^"]*>=\s*([0-9]+)\.([0-9]+)')
PACKAGE = "apt-get install python3-venv"


def main(folder: str) -> None:
    if sys.version_info < OLDEST:
        stop(f"pipelinegen needs Python 3.10 or newer; this is {sys.version.split()[0]}", "make PYTHON=python3.12 demo")
    try:
        import venv
    except ImportError:
        stop("this Python comes without its module venv", PACKAGE)
    seeded = has_ensurepip()
    venv.EnvBuilder(with_pip=seeded, symlinks=True).create(folder)
    python = os.path.join(folder, "bin", "python")
    if seeded or has_pip(python):
        return
    site = subprocess.check_output([python, "-c", "import site; print(site.getsitepackages()[0])"]).decode().strip()
    install = ["install", "--quiet", "--upgrade", "--target", site, "pip"]
    if has_pip(sys.executable) and runs(sys.executable, "-m", "pip", *install):
        return
    with tempfile.TemporaryDirectory() as temporary:
        wheel = download(os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple"), temporary)
        if not runs(sys.executable, os.path.join(wheel, "pip"), *install):
            stop(f"pip cannot be installed into {folder}", PACKAGE)


def has_ensurepip() -> bool:
    try:
        import ensurepip
    except ImportError:
        return False
    return bool(ensurepip.version())


def has_pip(python: str) -> bool:
    return subprocess.call([python, "-c", "import pip"], stderr=subprocess.DEVNULL) == 0


def runs(*command: str) -> bool:
    return subprocess.call(command, stdin=subprocess.DEVNULL) == 0


def download(index: str, folder: str) -> str:
    """The newest pip that this Python can run, from a package index (PEP 503), held to the hash of its page."""
    page = index.rstrip("/") + "/pip/"
    try:
        links = [link for link in WHEEL.finditer(read(page).decode()) if fits(link.group(0))]
        link = max(links, key=lambda each: [int(part) for part in each.group(2).split(".")])
        data = read(urllib.parse.urljoin(page, html.unescape(link.group(1))))
    except (OSError, ValueError) as error:
        stop(f"this Python has neither ensurepip nor pip, and {page} gives none: {error}", PACKAGE)
    if link.group(3) and hashlib.sha256(data).hexdigest() != link.group(3):
        stop(f"the pip that {page} gives is not the one that it names", PACKAGE)
    path = os.path.join(folder, os.path.basename(link.group(1)))
    with open(path, "wb") as file:
        file.write(data)
    return path


def fits(link: str) -> bool:
    needs = REQUIRES.search(html.unescape(link))
    return needs is None or (int(needs.group(1)), int(needs.group(2))) <= sys.version_info[:2]


def read(url: str) -> bytes:
    address = urllib.parse.urlsplit(url)
    if address.scheme != "https" and address.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise ValueError("not an https address")
    trusted = ssl.create_default_context(cafile=os.environ.get("PIP_CERT"))
    with urllib.request.urlopen(url, timeout=60, context=trusted) as answer:  # noqa: S310 - the scheme is looked at
        return bytes(answer.read())


def stop(what: str, remedy: str) -> NoReturn:
    sys.exit(f"error: {what}\n  next: {remedy}")


if __name__ == "__main__":
    main(sys.argv[1])

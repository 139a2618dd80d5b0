"""The page of `compare` in a real browser: nothing is asked of a network, nothing goes wrong, light and dark."""

import os
import re
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import pytest

from pipelinegen.cli import run
from tests.support.labelled import ROOT as LABELLED

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(BROWSER is None, reason="chromium is not installed")
FILES = (
    "github/kubectl-context/.github/workflows/deploy.yml",
    "github/manifest-pull-request/.github/workflows/release.yml",
)


@pytest.fixture
def page(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Path:
    assert run(["compare", "-C", str(LABELLED), *FILES, "--format", "html"]) == 0
    path = tmp_path / "compare.html"
    path.write_text(capfd.readouterr().out, encoding="utf-8")
    return path


def browse(page: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    """Open the page; every name leads nowhere, and what the console says goes to standard error."""
    arguments = [
        str(BROWSER),
        "--headless",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        "--enable-logging=stderr",
        "--v=0",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        f"--user-data-dir={page.parent / 'profile'}",
        *(["--no-sandbox"] if os.getuid() == 0 else []),
        *flags,
        page.as_uri(),
    ]
    return subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=True)


# What the browser asks for itself, whatever page is open.
_OWN = re.compile(r"(?:^|\.)(?:google|googleapis|gvt1|gstatic)\.com$|^clients\d\.")


def asked_of(page: Path) -> tuple[set[str], str, str]:
    """The hosts that were asked for while a page was open, what the console said, and the page as it was then."""
    log = page.parent / "net.json"
    done = browse(page, "--dump-dom", f"--log-net-log={log}", "--net-log-capture-mode=Everything")
    hosts = re.findall(r'"url":\s*"https?://([^/":]+)', log.read_text(encoding="utf-8", errors="replace"))
    said = "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)
    return {host for host in hosts if not _OWN.search(host)}, said, done.stdout


@needs_chromium
def test_a_browser_finds_nothing_wrong_and_asks_for_nothing(page: Path) -> None:
    hosts, said, shown = asked_of(page)
    assert (hosts, said) == (set(), "")
    assert '<svg class="drawing"' in shown
    assert "KUBE_CONFIG" in shown


@needs_chromium
def test_a_page_that_asks_would_be_seen(page: Path) -> None:
    """The test above can fail: a picture is seen on the console while the policy stands, and on the network without."""
    text = page.read_text(encoding="utf-8").replace("<main", '<img src="http://asked.invalid/x.png"><main')
    page.write_text(text, encoding="utf-8")
    assert "asked.invalid" in asked_of(page)[1]
    page.write_text(re.sub(r"<meta http-equiv[^>]*>", "", text), encoding="utf-8")
    assert asked_of(page)[0] == {"asked.invalid"}


@needs_chromium
def test_it_is_light_or_dark_as_the_reader_likes(page: Path) -> None:
    shades = []
    for scheme in ("1", "0"):  # light, dark
        picture = page.parent / f"{scheme}.png"
        browse(
            page, f"--blink-settings=preferredColorScheme={scheme}", "--window-size=400,300", f"--screenshot={picture}"
        )
        shades.append(corner(picture))
    light, dark = shades
    assert light > 200
    assert dark < 60


def corner(picture: Path) -> int:
    """How bright the first pixel of a PNG is."""
    data = picture.read_bytes()
    packed, at = b"", 8
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        packed += data[at + 8 : at + 8 + length] if kind == b"IDAT" else b""
        at += 12 + length
    line = zlib.decompress(packed)
    return sum(line[1:4]) // 3

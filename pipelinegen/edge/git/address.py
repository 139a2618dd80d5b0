"""The address of a manifest repository: which URLs are taken, and which are refused before the network is touched."""

from __future__ import annotations

import os
import re
from typing import Literal, NamedTuple, NoReturn

from pipelinegen.errors import InputError

Kind = Literal["https", "http", "ssh", "file"]

DEFAULT_PORTS = {"https": 443, "http": 80, "ssh": 22}
# Hosts on which every repository lies below an owner; elsewhere one name may be enough.
OWNED_HOSTS = frozenset({"github.com", "gitlab.com", "bitbucket.org", "codeberg.org"})

_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*\.?", re.ASCII)
_IPV6 = re.compile(r"\[[0-9a-f:.]+\]", re.ASCII)
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*", re.ASCII)
_PATH = re.compile(r"(/([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+)+", re.ASCII)
_SCP = re.compile(r"(?:([^/:@\[]*)@)?([^/:@\[]+):([^:].*)", re.ASCII)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.ASCII | re.DOTALL)
_LOOPBACK = re.compile(r"localhost|127(\.\d{1,3}){3}|\[::1\]", re.ASCII)


class Address(NamedTuple):
    """A repository's address, normalised: host in lower case, default port left out, no secrets."""

    kind: Kind
    url: str
    host: str
    port: int | None
    path: str

    @property
    def origin(self) -> str:
        """scheme://host[:port], as git names it when it asks for a password."""
        return f"{self.kind}://{self.host}" + (f":{self.port}" if self.port else "")

    @property
    def protocols(self) -> str:
        """The value of GIT_ALLOW_PROTOCOL: this kind and no other."""
        return self.kind

    def __str__(self) -> str:
        return self.url


def is_url(text: str) -> bool:
    """Does the user mean a remote repository (as opposed to a folder)?"""
    return "://" in text or "::" in text or (_SCP.fullmatch(text) is not None and not os.path.exists(text))


def parse_address(text: str) -> Address:
    """The address in `text`, or an InputError that says what is wrong with it and never repeats a secret."""
    if text.startswith("file://") and text.isprintable():
        return _file(text, *_halves(text.removeprefix("file://")))
    if not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
        _refuse(text, "it holds a character that does not belong in a URL (blank, control or non-ASCII)")
    if text.startswith("-"):
        _refuse(text, "it looks like an option")
    if match := _SCHEME.fullmatch(text):
        return _from_url(text, match[1].lower(), match[2])
    if "::" in text:
        _refuse(text, "git's transport helpers (helper::address) are not used")
    if match := _SCP.fullmatch(text):
        return _ssh(
            text, match[1], match[2].lower(), None, "/" + match[3].removeprefix("/"), f"{match[2].lower()}:{match[3]}"
        )
    return _refuse(text, "it is a path, not a URL", "give file:///absolute/path for a bare repository on this machine")


def _from_url(text: str, scheme: str, rest: str) -> Address:
    if scheme not in {"https", "http", "ssh"}:
        _refuse(text, f"{scheme}:// is not used", "give https://, ssh:// or file://")
    if "?" in rest or "#" in rest:
        _refuse(text, "a query or a fragment does not belong in it")
    authority, path = _halves(rest)
    user, at, hostport = authority.rpartition("@")
    if at and (scheme != "ssh" or ":" in user):
        _refuse(text, "user names and secrets do not belong in it", "put the token into PIPELINEGEN_TOKEN", echo=False)
    host, port = _host_and_port(text, scheme, hostport.lower())
    if scheme == "ssh":
        shown_port = f":{port}" if port else ""
        return _ssh(text, user if at else None, host, port, path, f"{host}{shown_port}{path}", scheme="ssh://")
    if scheme == "http" and not _LOOPBACK.fullmatch(host):
        _refuse(text, "http:// would send the token in clear", "give https://")
    _check_path(text, host, path)
    url = f"{scheme}://{host}" + (f":{port}" if port else "") + path
    return Address("https" if scheme == "https" else "http", url, host, port, path)


def _halves(rest: str) -> tuple[str, str]:
    authority, slash, path = rest.partition("/")
    return authority, (slash + path).rstrip("/")


def _host_and_port(text: str, scheme: str, hostport: str) -> tuple[str, int | None]:
    host, colon, digits = hostport, "", ""
    if not hostport.endswith("]") and ":" in hostport:
        host, colon, digits = hostport.rpartition(":")
    if colon and not (digits.isdecimal() and 0 < int(digits) < 65536):
        _refuse(text, "its port is not a number from 1 to 65535")
    if not _HOST.fullmatch(host) and not _IPV6.fullmatch(host):
        _refuse(text, "it has no valid host name")
    port = int(digits) if colon else None
    return host, None if port == DEFAULT_PORTS[scheme] else port


def _ssh(text: str, user: str | None, host: str, port: int | None, path: str, rest: str, scheme: str = "") -> Address:
    # CVE-2017-1000117: a host or user that starts with a dash became an option of ssh.
    if user is not None and not _USER.fullmatch(user):
        _refuse(text, "its user name is not valid", echo=":" not in user)
    if not _HOST.fullmatch(host) and not _IPV6.fullmatch(host):
        _refuse(text, "it has no valid host name")
    _check_path(text, host, path.replace("/~", "/", 1) if path.startswith("/~") else path)
    if path.lstrip("/").startswith("-"):
        _refuse(text, "its path looks like an option")
    return Address("ssh", f"{scheme}{user + '@' if user else ''}{rest}", host, port, path)


def _file(text: str, authority: str, path: str) -> Address:
    if authority not in {"", "localhost"}:
        _refuse(text, "a file:// address names no other machine", "give file:///absolute/path")
    if not path or "%" in path or "/../" in path + "/":
        _refuse(text, "it is not a plain absolute path", "give file:///absolute/path")
    return Address("file", f"file://{path}", "", None, path)


def _check_path(text: str, host: str, path: str) -> None:
    names = path.split("/")[1:]
    if not path or names == [".git"]:
        _refuse(text, "it names no repository")
    if host in OWNED_HOSTS and len(names) < 2:
        _refuse(text, "it names no repository, only an owner", f"give OWNER/NAME on {host}")
    if not _PATH.fullmatch(path) or {".", ".."} & set(names):
        _refuse(text, "its path is not plain")
    if any(int(code, 16) < 0x20 or int(code, 16) in {0x2E, 0x2F, 0x5C, 0x7F} for code in re.findall("%(..)", path)):
        _refuse(text, "its path hides a control character, a dot or a slash")


def _refuse(text: str, why: str, advice: str | None = None, *, echo: bool = True) -> NoReturn:
    # Whatever stands before an @ or after a ? may be a secret, whichever rule the text broke first.
    secretive = "@" in text.partition("://")[2] or "?" in text
    where = ascii(text)[1:-1] if echo and not secretive else None
    raise InputError(
        f"the address of the manifest repository is refused: {why}", id="bad-url", where=where, next=advice
    )

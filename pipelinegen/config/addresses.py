"""Addresses that the configuration may name: the manifest repository, the forge's API, a page for people. Pure."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from pipelinegen.config.rules import suggestion
from pipelinegen.config.source import shown

SCHEMES = ("https", "ssh", "file", "http")
_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*\.?|\[[0-9A-Fa-f:.]+\]"
_LOOPBACK = r"localhost|127(?:\.[0-9]{1,3}){3}|\[::1\]"
# USER@HOST:PATH as ssh and git write it. A double colon is git's syntax for a helper program, which would be run.
_SCP = r"(?:([^@/:]+)@)?([^@/:]+):(?!:)(.+)"


def remote_problem(text: str) -> str | None:
    """A git repository: an https, ssh or file URL (http to this machine only), USER@HOST:PATH, or a folder."""
    if not text or not text.isprintable() or re.search(r"\s", text):
        return "write the address without blanks and control characters"
    if text.startswith("-"):
        return "an address does not begin with -"
    if "://" in text:
        return _url_problem(text)
    if re.match(r"[A-Za-z0-9_.+-]*::", text):
        return f"git's helper programs ({text.partition('::')[0]}::) are not used: write an https or ssh URL"
    scp = re.fullmatch(_SCP, text)
    if scp is not None:
        return _ssh_problem(scp[1], scp[2])
    if text not in (".", "..") and not text.startswith(("/", "./", "../")):
        return f"write the whole URL, such as https://github.com/{shown(text)}, or ./{shown(text)} for a folder"
    return None


def _url_problem(text: str) -> str | None:
    url = _split(text)
    if isinstance(url, str):
        return url
    if url.scheme not in SCHEMES:
        return f"the scheme {shown(url.scheme)}:// is not used{suggestion(url.scheme, ('https', 'ssh', 'file'))}"
    if url.scheme == "file":
        return None if not url.netloc and url.path.strip("/") else "write a file URL as file:///srv/git/manifests.git"
    problem = _ssh_url_problem(url) if url.scheme == "ssh" else _web_problem(url)
    if problem is None and not url.path.strip("/"):
        return "the path of the repository is missing behind the host"
    if problem is None and _host(url).lower() in ("github.com", "gitlab.com") and "/" not in url.path.strip("/"):
        return "the address needs owner and name: https://github.com/OWNER/NAME"
    return problem


def _split(text: str) -> SplitResult | str:
    """The parts of a URL, or what is wrong with all URLs of its kind."""
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError as error:
        return f"this is not a URL: {error}"
    if url.query or url.fragment or "?" in text or "#" in text:
        return "an address here has no ? and no #"
    if port == 0:
        return "this is not a URL: port 0"
    return url


def _host(url: SplitResult) -> str:
    """The host as it is written: `hostname` folds the case and drops brackets."""
    return re.sub(r":[0-9]*$", "", url.netloc.rpartition("@")[2])


def _ssh_url_problem(url: SplitResult) -> str | None:
    if url.password is not None:
        return "an address holds no password: ssh takes its key from the agent or from its own configuration"
    return _ssh_problem(url.username, _host(url))


def _ssh_problem(user: str | None, host: str) -> str | None:
    if user is not None and re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", user) is None:
        return "this is not the name of a user before the @"
    return _host_problem(host)


def _web_problem(url: SplitResult) -> str | None:
    if "@" in url.netloc:
        return "an address holds no user and no token: credentials come from the environment (PIPELINEGEN_TOKEN)"
    problem = _host_problem(_host(url))
    if problem is None and url.scheme == "http" and re.fullmatch(_LOOPBACK, _host(url)) is None:
        return "http sends the token unprotected: write https (http is for an address of this machine only)"
    return problem


def _host_problem(host: str) -> str | None:
    if re.fullmatch(_HOST, host, re.ASCII) is None:
        return f'"{shown(host)}" is not a host name: letters, digits, - and dots'
    return None


def web_address_problem(text: str) -> str | None:
    """The address of a service: https, or http to this machine."""
    if not text.isprintable() or re.search(r"\s", text) or not text.startswith(("https://", "http://")):
        return "write an address that begins with https://"
    url = _split(text)
    return url if isinstance(url, str) else _web_problem(url)


def page_problem(text: str) -> str | None:
    """A page that people open from a deployment; nothing of ours is sent to it."""
    if not text.isprintable() or re.fullmatch(r"https?://[^\s/@]+(?:/\S*)?", text) is None:
        return "write an address that begins with https:// or http://"
    return None


def url_path_problem(text: str) -> str | None:
    """The path of a request, with its query where it has one."""
    if not text.isprintable() or re.fullmatch(r"/\S*", text) is None:
        return "write a path that begins with / and holds no blanks"
    return None

"""Where a repository lives on its forge: parsed from any form of its URL, and the web and API addresses around it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args
from urllib.parse import quote, unquote, urlsplit

from pipelinegen.edge.ci import CiContext
from pipelinegen.edge.http_rules import origin_of
from pipelinegen.errors import InputError

Kind = Literal["github", "gitlab", "none"]

_SCP_LIKE = re.compile(r"(?:[^@/:\s]+@)?(\[[^\]]+\]|[^/:@\s]+):(?!//)(\S+)")
_SSH_HOSTS = {"ssh.github.com": "github.com", "altssh.gitlab.com": "gitlab.com"}
_OWNER_AND_NAME = 2


@dataclass(frozen=True, slots=True)
class Address:
    """One repository of one forge. `web` is its page, `api` the root of the forge's API, `path` owner/name."""

    kind: Kind
    path: str
    web: str
    api: str

    @property
    def owner(self) -> str:
        return self.path.partition("/")[0]

    @property
    def server(self) -> str:
        """The page of the forge itself, with the folder it may be installed in."""
        return self.web[: -len(self.path) - 1]

    def commit_url(self, sha: str) -> str:
        return f"{self.web}{'/-' if self.kind == 'gitlab' else ''}/commit/{sha}"

    def compare_url(self, old: str, new: str) -> str:
        return f"{self.web}{'/-' if self.kind == 'gitlab' else ''}/compare/{quote(old)}...{quote(new)}"


def locate(url: str, kind: str | None, api_url: str | None, ci: CiContext) -> Address:
    """The address of a repository, from its URL, what the user said of the forge, and the CI we run in."""
    host, path = _split(url)
    if host is None:
        if kind in ("github", "gitlab"):
            raise InputError("a path is no repository of a forge", id="bad-url", where=url, next="use --forge none")
        return Address("none", "", "", "")
    chosen = _kind(host, kind, api_url, ci)
    scheme = "http" if url.startswith("http://") else "https"
    server = f"{scheme}://{host}"
    if chosen == "none":
        return Address("none", path, f"{server}/{path}", "")
    api = _api(chosen, server, api_url, ci)
    if chosen == "gitlab":
        server, path = _without_folder(server, path, api)
    if path.count("/") + 1 < _OWNER_AND_NAME or (chosen == "github" and path.count("/") != 1):
        raise InputError(f"not a repository of {_NAMES[chosen]}: {path or '(no path)'}", id="bad-url", where=server)
    return Address(chosen, path, f"{server}/{path}", api)


_NAMES = {"github": "GitHub (owner/name)", "gitlab": "GitLab (group/name)"}


def _split(url: str) -> tuple[str | None, str]:
    """Host (with its web port) and path; no host for a path or a file URL."""
    text = url.strip()
    scheme, found, _ = text.partition("://")
    scheme = scheme.lower()
    if found and scheme in ("http", "https"):
        parts = urlsplit(text)
        origin = origin_of(f"{scheme}://{parts.netloc.rpartition('@')[2]}")
        return origin.partition("://")[2], _clean(parts.path)
    if found and scheme in ("ssh", "git+ssh", "ssh+git"):
        parts = urlsplit(text)
        return _web_host(parts.hostname or ""), _clean(parts.path)
    if not found and not text.startswith(("/", ".")) and (scp := _SCP_LIKE.fullmatch(text)):
        return _web_host(scp.group(1)), _clean(scp.group(2))
    return None, ""


def _web_host(host: str) -> str:
    host = host.lower()
    return _SSH_HOSTS.get(host, host)


def _clean(path: str) -> str:
    return unquote(path).strip("/").removesuffix(".git").strip("/")


def _kind(host: str, kind: str | None, api_url: str | None, ci: CiContext) -> Kind:
    if kind is not None:
        return _said(kind)
    name = host.partition(":")[0]
    if name == "github.com" or name.endswith(".ghe.com"):
        return "github"
    if name == "gitlab.com":
        return "gitlab"
    if ci.kind in ("github", "gitlab") and _host_of(ci.server_url) == host:
        return ci.kind
    given = (api_url or "").rstrip("/")
    if given.endswith("/api/v3") or "github" in name.split("."):
        return "github"
    if given.endswith("/api/v4") or "gitlab" in name.split("."):
        return "gitlab"
    raise InputError(
        f"which forge is {host}?", id="bad-config", where="--forge", next="say --forge github, gitlab or none"
    )


def _said(kind: str) -> Kind:
    for known in get_args(Kind):
        if kind == known:
            return known  # type: ignore[no-any-return]
    raise InputError(f"no forge of the kind {kind!r}", id="bad-config", next="use github, gitlab or none")


def _host_of(url: str | None) -> str | None:
    return urlsplit(url).netloc.lower() if url else None


def _api(kind: Kind, server: str, api_url: str | None, ci: CiContext) -> str:
    if api_url:
        return _named_api(kind, server, api_url)
    if ci.api_url and ci.kind == kind and _host_of(ci.server_url) == _host_of(server):
        return ci.api_url.rstrip("/")
    if kind == "gitlab":
        return f"{server}/api/v4"
    host = server.partition("://")[2]
    if host == "github.com" or host.endswith(".ghe.com"):
        return f"https://api.{host}"
    return f"{server}/api/v3"


def _named_api(kind: Kind, server: str, api_url: str) -> str:
    """What the user gave is the API's address or the forge's own; the API is always at the same place in it."""
    origin = origin_of(api_url)
    given = api_url.rstrip("/")
    if kind == "gitlab":
        return given if given.endswith("/api/v4") else f"{given}/api/v4"
    if urlsplit(given).path.strip("/"):
        return given
    host = urlsplit(given).hostname or ""
    if host == "github.com" or _is_tenant(host):
        return f"https://api.{host}"
    # GitHub Enterprise Server has its pages at the root of the host, and its API below.
    return f"{origin}/api/v3" if origin == server and origin.startswith("https:") else given


def _is_tenant(host: str) -> bool:
    return host.endswith(".ghe.com") and not host.startswith("api.")


def _without_folder(server: str, path: str, api: str) -> tuple[str, str]:
    """A GitLab installed in a folder of its host: the folder belongs to the server, not to the project's path."""
    folder = urlsplit(api).path.removesuffix("/api/v4").strip("/")
    if folder and path.startswith(f"{folder}/"):
        return f"{server}/{folder}", path[len(folder) + 1 :]
    return server, path


def source_links(source_url: str, ci: CiContext, old: str, new: str) -> str | None:
    """The page that shows what changed between two revisions of an application repository, where its forge is known."""
    try:
        address = locate(source_url, None, None, ci)
    except InputError:
        return None
    return address.compare_url(old, new) if address.kind != "none" else None

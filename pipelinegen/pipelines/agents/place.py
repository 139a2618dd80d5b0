"""The manifest repository as agents reach it: addresses of git, of the page and of the API, and the branch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from pipelinegen.pipelines.application import Repository

_GITHUB = "github.com"


@dataclass(frozen=True, slots=True)
class Place:
    """url: for git, over HTTPS where there is a forge.  page: for people.  api: of the forge, "" without one."""

    forge: Literal["github", "gitlab", "none"]
    url: str
    page: str
    api: str
    path: str  # acme/manifests
    host: str
    branch: str | None

    @property
    def enterprise(self) -> bool:
        """Is it a GitHub of somebody's own?"""
        return self.forge == "github" and self.host != _GITHUB

    @property
    def root(self) -> str:
        """Where the forge itself is."""
        return self.page.removesuffix(f"/{quote(self.path)}")

    @property
    def encoded(self) -> str:
        """The path as GitLab's API takes it for a project's id."""
        return quote(self.path, safe="")

    @property
    def over_ssh(self) -> bool:
        return self.forge == "none" and not self.url.startswith(("https://", "http://"))


def place_of(repository: Repository) -> Place:
    """Agents prove who they are with tokens, so an address for SSH at a forge becomes that for HTTPS."""
    if repository.forge == "none":
        return Place("none", repository.url, repository.url, "", repository.path, repository.host, repository.base)
    scheme = "http" if repository.url.startswith("http://") else "https"
    page = f"{scheme}://{repository.host}/{quote(repository.path)}"
    return Place(
        repository.forge,
        f"{page}.git",
        page,
        _api(repository, f"{scheme}://{repository.host}"),
        repository.path,
        repository.host,
        repository.base,
    )


def _api(repository: Repository, root: str) -> str:
    if repository.forge == "gitlab":
        return f"{root}/api/v4"
    return "https://api.github.com" if repository.host == _GITHUB else f"{root}/api/v3"

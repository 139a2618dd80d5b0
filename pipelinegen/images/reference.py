"""Image references: the grammar and the normalisation of github.com/distribution/reference, whole."""

from __future__ import annotations

import re
from typing import NamedTuple

DOCKER_HUB = "docker.io"
_LEGACY_HUB = "index.docker.io"
_OFFICIAL = "library/"
_PATH_MAX = 255
_TAG_MAX = 128

# The upstream grammar in a form without ambiguity, so that a failing match costs linear time. The digest is only
# outlined here: go-digest's own rules are stricter than the pattern of the grammar (see is_digest).
_DOMAIN_PART = r"[a-zA-Z0-9]+(?:-+[a-zA-Z0-9]+)*"
_DOMAIN = rf"(?:{_DOMAIN_PART}(?:\.{_DOMAIN_PART})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"((?:({_DOMAIN})/)?({_COMPONENT}(?:/{_COMPONENT})*))(?::(\w[\w.-]{{0,127}}))?(?:@([\w:]+))?", re.ASCII
)

_HEX = frozenset("0123456789abcdef")
_WORD = frozenset("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
_TAG = _WORD | frozenset(".-")
# What go-digest knows once crypto/sha256 and crypto/sha512 are linked, as they are in Docker and in registries.
_DIGEST_LENGTHS = {"sha256": 64, "sha384": 96, "sha512": 128}


class InvalidReference(ValueError):
    """A text that is no image reference. `reason` names the rule and, where it is plain, what to write instead."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ImageReference(NamedTuple):
    """A repository with a tag, a digest, both or neither. `registry` is empty where the text names none."""

    registry: str
    path: str
    tag: str | None = None
    digest: str | None = None

    @property
    def repository(self) -> str:
        """The full name: docker.io/library/redis."""
        return f"{self.registry}/{self.path}" if self.registry else self.path

    @property
    def familiar(self) -> str:
        """The name as Docker shows it: redis, acme/api, ghcr.io/acme/api."""
        if self.registry != DOCKER_HUB:
            return self.repository
        name = self.path.removeprefix(_OFFICIAL)
        if "/" in name:
            name = self.path
        # Upstream shortens docker.io/ghcr.io/a as well, to a name that means another image.
        return self.repository if "/" in name and _is_host(name.partition("/")[0]) else name

    @property
    def full(self) -> str:
        """The whole reference with nothing left to a default: docker.io/library/redis:7@sha256:..."""
        return self.repository + self._version()

    def _version(self) -> str:
        tag = "" if self.tag is None else f":{self.tag}"
        return tag if self.digest is None else f"{tag}@{self.digest}"

    def __str__(self) -> str:
        return self.familiar + self._version()


def is_tag(text: str) -> bool:
    """A tag of the grammar: a letter, a digit or `_`, then at most 127 of these, `.` and `-`."""
    return 0 < len(text) <= _TAG_MAX and text[0] in _WORD and _TAG.issuperset(text)


def is_digest(text: str) -> bool:
    """A digest that go-digest accepts: a registered algorithm and exactly its number of lower-case hex digits."""
    algorithm, _, encoded = text.partition(":")
    return _DIGEST_LENGTHS.get(algorithm) == len(encoded) and _HEX.issuperset(encoded)


def split(text: str) -> tuple[str, str | None, str | None] | None:
    """(name as written, tag, digest) of a text that is a reference by the grammar, else None."""
    match = _match(text)
    return None if match is None else (match[1], match[4], match[5])


def parse_as_written(text: str) -> ImageReference:
    """The reference without Docker's defaults (upstream's Parse): the registry may be empty."""
    match = _match(text)
    if match is None:
        raise InvalidReference(_explain(text))
    return ImageReference(match[2] or "", match[3], match[4], match[5])


def parse(text: str) -> ImageReference:
    """The reference with Docker's defaults (upstream's ParseNormalizedNamed). Raises InvalidReference."""
    reference = _parse(text)
    if reference is None:
        raise InvalidReference(_explain(text))
    return reference


def normalise(name: str) -> str | None:
    """The full repository of a name without tag or digest, None when it is not a valid name."""
    reference = _parse(name)
    if reference is None or reference.tag is not None or reference.digest is not None:
        return None
    return reference.repository


def _match(text: str) -> re.Match[str] | None:
    match = _REFERENCE.fullmatch(text)
    if match is None or len(match[3]) > _PATH_MAX or not (match[5] is None or is_digest(match[5])):
        return None
    return match


def _parse(text: str) -> ImageReference | None:
    match = _match(text)
    # The rule on identifiers is about the whole text: with a tag, 64 hexadecimal digits are a name again.
    if match is None or _is_identifier(text):
        return None
    name, domain, path, tag, digest = match.groups()
    first, slash, _ = name.partition("/")
    if not (slash and _is_host(first)):
        domain, path = DOCKER_HUB, name
    elif domain == _LEGACY_HUB:
        domain = DOCKER_HUB
    if domain == DOCKER_HUB and "/" not in path:
        path = _OFFICIAL + path
    # "a.b_c/d" looks like a host to Docker and like a path to the grammar: upstream leaves it without a registry.
    return None if len(path) > _PATH_MAX else ImageReference(domain or "", path, tag, digest)


def _is_host(first: str) -> bool:
    """Docker's guess about what stands before the first slash; anything else is a namespace on Docker Hub."""
    return first == "localhost" or "." in first or ":" in first or first.lower() != first


def _is_identifier(text: str) -> bool:
    return len(text) == 64 and _HEX.issuperset(text)


def _explain(text: str) -> str:
    """Why a text is not a reference: the first broken rule, in the order in which a person would see it.

    What stands before an `@` may hold a password and is never quoted.
    """
    for rule in (_explain_form, _explain_digest, _explain_tag, _explain_name):
        reason = rule(text)
        if reason is not None:
            return reason
    return "it is not of the form [REGISTRY[:PORT]/]PATH[:TAG][@DIGEST]"


def _or(text: str) -> str:
    """The offer of another text, where that one is right."""
    return f": did you mean {text}?" if _parse(text) is not None else ""


def _explain_form(text: str) -> str | None:
    if not text:
        return "the reference is empty"
    if any(char.isspace() for char in text):
        return "a reference holds no white space" + _or(text.strip())
    if not text.isascii() or not text.isprintable():
        odd = next(char for char in text if not "!" <= char <= "~")
        return f"a reference is plain ASCII, and this one holds U+{ord(odd):04X}"
    if "$" in text or "{{" in text:
        return "it holds a variable or a template that nothing has replaced by its value"
    scheme, mark, rest = text.partition("://")
    if mark:
        leave = f"{scheme}://" if scheme.isalnum() else "everything up to ://"
        return f"a reference has no scheme, leave out {leave}" + _or(rest)
    first, slash, _ = text.partition("/")
    if slash and "@" in first:
        return "a reference holds no user and no password: leave out what stands before the @"
    if _is_identifier(text):
        return "64 hexadecimal digits are the ID of an image, not a name: write REPOSITORY@sha256:DIGEST"
    return None


def _explain_digest(text: str) -> str | None:
    name, mark, digest = text.partition("@")
    if not mark or is_digest(digest):
        return None
    if is_digest(digest.lower()):
        return "a digest is lower case" + _or(f"{name}@{digest.lower()}")
    if is_digest(f"sha256:{digest}"):
        return "a digest begins with its algorithm" + _or(f"{name}@sha256:{digest}")
    front, _, tag = digest.rpartition(":")
    if is_digest(front) and is_tag(tag):
        return "the tag stands before the digest" + _or(f"{name}:{tag}@{front}")
    algorithm, _, encoded = digest.partition(":")
    length = _DIGEST_LENGTHS.get(algorithm)
    if length is None:
        return "after @ stands a digest: sha256: (or sha384:, sha512:) and its hexadecimal digits"
    if not _HEX.issuperset(encoded):
        return f"the digest holds other characters than 0-9 and a-f after {algorithm}:"
    return f"a {algorithm} digest has {length} hexadecimal digits, this one has {len(encoded)}"


def _explain_tag(text: str) -> str | None:
    last = text.partition("@")[0].rpartition("/")[2]
    _, mark, tag = last.partition(":")
    if not mark or is_tag(tag) or last.startswith("["):
        return None
    if not tag:
        return "the tag after the colon is empty, as from a variable that is not set"
    if len(tag) > _TAG_MAX:
        return f"a tag has at most {_TAG_MAX} characters, this one has {len(tag)}"
    if tag[0] not in _WORD:
        return f"a tag begins with a letter, a digit or _, not with {tag[0]}"
    odd = next(char for char in tag if char not in _TAG)
    return f"a tag holds only letters, digits, _, . and -, not {odd}"


def _explain_name(text: str) -> str | None:
    front = text.partition("@")[0]
    colon = front.find(":", front.rfind("/") + 1)
    name = front if colon < 0 or (front.startswith("[") and "/" not in front) else front[:colon]
    rest = text[len(name) :]
    if not name:
        return "the repository before the tag or the digest is missing"
    first, slash, path = name.partition("/")
    host = slash and ("." in first or ":" in first)
    lower = f"{first}/{path.lower()}" if host else name.lower()
    if lower != name and _parse(lower + rest) is not None:
        return f"repository names are lower case: did you mean {lower}{rest}?"
    if first.startswith("[") and not path:
        return "a registry alone is no reference: the repository after it is missing"
    if not (slash and _is_host(first)):
        first, path = "", name
    if not path:
        return f"the repository after {first}/ is missing"
    if first and re.fullmatch(_DOMAIN, first, re.ASCII) is None:
        return f"{first} is not a registry: HOST or HOST:PORT of letters, digits, . and - (IPv6 in brackets, no zone)"
    if "/" not in path and first in ("", DOCKER_HUB, _LEGACY_HUB):
        path = _OFFICIAL + path
    return _explain_path(path, name, rest)


def _explain_path(path: str, name: str, rest: str) -> str | None:
    for component in path.split("/"):
        if not component:
            return "a part of the repository is empty, by a / too many" + _or(re.sub("/+", "/", name).strip("/") + rest)
        if ":" in component:
            return "a tag holds no / and no second :, and a port stands only after a registry"
        if re.fullmatch(_COMPONENT, component, re.ASCII) is None:
            return (
                f'"{component}" is not a part of a repository: a-z and 0-9, '
                "and between them a . or _, a double __ or any number of -"
            )
    if len(path) > _PATH_MAX:
        return f"the path of a repository has at most {_PATH_MAX} characters, this one has {len(path)}"
    return None

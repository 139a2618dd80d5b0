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
    """A repository with a tag, a digest, both or neither. `registry` is empty only as `parse_as_written` gives it."""

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
        _, official, name = self.path.rpartition(_OFFICIAL)
        return name if official and self.path == _OFFICIAL + name and "/" not in name else self.path

    def __str__(self) -> str:
        tag = "" if self.tag is None else f":{self.tag}"
        digest = "" if self.digest is None else f"@{self.digest}"
        return f"{self.familiar}{tag}{digest}"


def is_tag(text: str) -> bool:
    """A tag of the grammar: a letter, a digit or `_`, then at most 127 of these, `.` and `-`."""
    return 0 < len(text) <= _TAG_MAX and text[0] in _WORD and _TAG.issuperset(text)


def is_digest(text: str) -> bool:
    """A digest that go-digest accepts: a registered algorithm and exactly its number of lower-case hex digits."""
    algorithm, _, encoded = text.partition(":")
    return _DIGEST_LENGTHS.get(algorithm) == len(encoded) and _HEX.issuperset(encoded)


def split(text: str) -> tuple[str, str | None, str | None] | None:
    """(name as written, tag, digest) of a text that is a reference by the grammar, else None."""
    match = _REFERENCE.fullmatch(text)
    if match is None:
        return None
    name, _, path, tag, digest = match.groups()
    if len(path) > _PATH_MAX or (digest is not None and not is_digest(digest)):
        return None
    return name, tag, digest


def parse_as_written(text: str) -> ImageReference:
    """The reference without Docker's defaults (upstream's Parse): the registry may be empty."""
    if split(text) is None:
        raise InvalidReference(_explain(text))
    _, domain, path, tag, digest = _REFERENCE.fullmatch(text).groups()  # type: ignore[union-attr]
    return ImageReference(domain or "", path, tag, digest)


def parse(text: str) -> ImageReference:
    """The reference with Docker's defaults (upstream's ParseNormalizedNamed). Raises InvalidReference."""
    parts = split(text)
    if parts is not None:
        name = _normalise(parts[0])
        # The identifier rule is about the whole text: a tag makes 64 hex digits a name again.
        if name is not None and not (len(text) == 64 and _HEX.issuperset(text)):
            return ImageReference(*name, parts[1], parts[2])
    raise InvalidReference(_explain(text))


def normalise(name: str) -> str | None:
    """The full repository of a name without tag or digest, None when it is not a valid name."""
    parts = split(name)
    if parts is None or parts[0] != name or (len(name) == 64 and _HEX.issuperset(name)):
        return None
    full = _normalise(name)
    return None if full is None else f"{full[0]}/{full[1]}"


def _normalise(name: str) -> tuple[str, str] | None:
    """Registry and path of a name that the grammar has accepted; None where Docker's defaults make it invalid."""
    first, slash, rest = name.partition("/")
    if not slash:
        registry, path = DOCKER_HUB, _OFFICIAL + name
    elif first == "localhost" or "." in first or ":" in first or first.lower() != first:
        registry, path = (DOCKER_HUB if first == _LEGACY_HUB else first), rest
    else:
        registry, path = DOCKER_HUB, name
    if registry == DOCKER_HUB and "/" not in path:
        path = _OFFICIAL + path
    # "a.b_c/d" is a path by the grammar, but Docker takes "a.b_c" for a host, and it is none; and `library/` counts.
    match = _REFERENCE.fullmatch(f"{registry}/{path}")
    if match is None or match[2] != registry or len(path) > _PATH_MAX:
        return None
    return registry, path


def _explain(text: str) -> str:
    """Why a text is not a reference: the first broken rule, in the order in which a person would see it."""
    for rule in (_explain_form, _explain_digest, _explain_tag, _explain_name):
        reason = rule(text)
        if reason is not None:
            return reason
    return "not of the form [REGISTRY[:PORT]/]PATH[:TAG][@DIGEST]"


def _valid(text: str) -> bool:
    parts = split(text)
    return parts is not None and _normalise(parts[0]) is not None


def _instead(text: str) -> str:
    return f": did you mean {text}?" if _valid(text) else ""


def _explain_form(text: str) -> str | None:
    if not text:
        return "the reference is empty"
    if any(char.isspace() for char in text):
        return "a reference has no white space" + _instead("".join(text.split()))
    if not text.isascii() or not text.isprintable():
        odd = next(char for char in text if not "!" <= char <= "~")
        return f"a reference is plain ASCII, and this holds U+{ord(odd):04X}"
    scheme, mark, rest = text.partition("://")
    if mark:
        return f"a reference has no scheme, drop {scheme}://" + ("" if "@" in rest else _instead(rest))
    if "@" in text.partition("/")[0] and "/" in text:
        return "a reference holds no credentials: write only REGISTRY/PATH:TAG and log in to the registry instead"
    if len(text) == 64 and _HEX.issuperset(text):
        return "64 hexadecimal digits are the ID of an image, not a name: write REPOSITORY@sha256:DIGEST"
    return None


def _explain_digest(text: str) -> str | None:
    name, mark, digest = text.partition("@")
    if not mark or is_digest(digest):
        return None
    if is_digest(digest.lower()):
        return "a digest is lower case" + _instead(f"{name}@{digest.lower()}")
    if is_digest(f"sha256:{digest}"):
        return "a digest begins with its algorithm" + _instead(f"{name}@sha256:{digest}")
    algorithm, _, encoded = digest.partition(":")
    length = _DIGEST_LENGTHS.get(algorithm)
    if length is None:
        return f"a digest is sha256:, sha384: or sha512: and hexadecimal digits, not {digest[:80]}"
    if not _HEX.issuperset(encoded):
        return f"the digest has other characters than 0-9 and a-f after {algorithm}:"
    return f"a {algorithm} digest has {length} hexadecimal digits, this one has {len(encoded)}"


def _explain_tag(text: str) -> str | None:
    head, slash, last = text.partition("@")[0].rpartition("/")
    name, mark, tag = last.partition(":")
    if not mark or is_tag(tag):
        return None
    if not tag:
        return "the tag after the colon is empty" + _instead(head + slash + name)
    if len(tag) > _TAG_MAX:
        return f"a tag has at most {_TAG_MAX} characters, this one has {len(tag)}"
    if tag[0] not in _WORD:
        return f"a tag begins with a letter, a digit or _, not with {tag[0]}"
    odd = next(char for char in tag if char not in _TAG)
    return f"a tag holds only letters, digits, _, . and -, not {odd}"


def _explain_name(text: str) -> str | None:
    end = text.rfind(":") if ":" in text.rpartition("/")[2] else len(text)
    name = text[:end].partition("@")[0]
    rest = text[len(name) :]
    if not name:
        return "the repository before the tag or the digest is missing"
    if name.lower() != name and _valid(name.lower() + rest):
        first, slash, path = name.partition("/")
        kept = f"{first}{slash}{path.lower()}{rest}" if slash else name.lower() + rest
        host = "." in first or ":" in first
        return "repository names are lower case" + _instead(kept if host else name.lower() + rest)
    first, slash, path = name.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost" or first.lower() != first):
        first, path = "", name
    if not path:
        return f"the repository after {first}/ is missing"
    if len(path) > _PATH_MAX or (not first and len(path) > _PATH_MAX - len(_OFFICIAL)):
        return f"a repository path has at most {_PATH_MAX} characters (with library/ on Docker Hub)"
    if first and re.fullmatch(_DOMAIN, first, re.ASCII) is None:
        return f"{first} is not a registry: HOST or HOST:PORT, of letters, digits, - and . (IPv6 in brackets, no zone)"
    for component in path.split("/"):
        if not component:
            return "a part of the repository between two slashes is empty" + _instead(re.sub("/+", "/", name) + rest)
        if re.fullmatch(_COMPONENT, component, re.ASCII) is None:
            return (
                f'"{component}" is not a part of a repository: a-z and 0-9, '
                "in between single . or _, a double __, or any number of -"
            )
    return None

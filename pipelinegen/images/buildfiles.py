"""What bake and compose files say of images, from what their own tools print of them: in the words of pipelinegen.yaml.

https://docs.docker.com/build/bake/reference/ and https://docs.docker.com/reference/compose-file/build/
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pipelinegen.images.reference import InvalidReference, parse


class Unfit(ValueError):
    """Something that a target says and we cannot follow."""


class Target(NamedTuple):
    """One target or service. `keys` are those of `images.NAME`; `references` are what it is to be called."""

    name: str
    keys: Mapping[str, Any]
    references: tuple[str, ...]

    @property
    def repositories(self) -> tuple[str, ...]:
        """The repositories that its names are in, each once."""
        return tuple(dict.fromkeys(_repository(each) for each in self.references))

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags that it gives itself, as rules."""
        given = (parse(each).tag for each in self.references)
        return tuple(dict.fromkeys(f"type=raw,value={tag}" for tag in given if tag))


def bake_targets(printed: Mapping[str, Any], folder: str) -> list[Target]:
    """The targets of `docker buildx bake --print`, run in the folder whose paths they have. Raises Unfit."""
    found = printed.get("target")
    return [_bake(name, target, folder) for name, target in found.items()] if isinstance(found, Mapping) else []


def compose_services(printed: Mapping[str, Any], folder: str) -> list[Target]:
    """The services that are built, of `docker compose config --format json`. Raises Unfit."""
    services = printed.get("services") or {}
    secrets = printed.get("secrets") or {}
    return [
        _compose(name, service, secrets, folder)
        for name, service in services.items()
        if isinstance(service, Mapping) and service.get("build")
    ]


def _bake(name: str, target: Mapping[str, Any], folder: str) -> Target:
    if target.get("dockerfile-inline"):
        raise Unfit(f"the target {name} has its Dockerfile inside: write it to a file")
    keys = {
        "context": _inside(target.get("context") or ".", folder, f"the context of {name}"),
        "dockerfile": target.get("dockerfile"),
        "target": target.get("target"),
        "contexts": {key: _context(value, folder, name) for key, value in (target.get("contexts") or {}).items()},
        "build-args": {key: _value(value) for key, value in (target.get("args") or {}).items() if value is not None},
        "labels": target.get("labels"),
        "platforms": target.get("platforms"),
        "secrets": _spelled(target.get("secret")),
        "ssh": [_ssh(each) for each in target.get("ssh") or ()],
        "attest": _spelled(target.get("attest")),
        "cache": {"from": _spelled(target.get("cache-from")), "to": _spelled(target.get("cache-to"))},
    }
    return Target(name, _said(keys), tuple(target.get("tags") or ()))


def _compose(name: str, service: Mapping[str, Any], secrets: Mapping[str, Any], folder: str) -> Target:
    build = service["build"] if isinstance(service["build"], Mapping) else {"context": service["build"]}
    if build.get("dockerfile_inline"):
        raise Unfit(f"the service {name} has its Dockerfile inside: write it to a file")
    given = (build.get("additional_contexts") or {}).items()
    contexts = {key: _service_context(_context(value, folder, name)) for key, value in given}
    keys = {
        "context": _inside(build.get("context") or ".", folder, f"the context of {name}"),
        "dockerfile": build.get("dockerfile"),
        "target": build.get("target"),
        "contexts": contexts,
        "build-args": {key: _value(value) for key, value in (build.get("args") or {}).items() if value is not None},
        "labels": build.get("labels"),
        "platforms": build.get("platforms") or ([service["platform"]] if service.get("platform") else None),
        "secrets": [_compose_secret(each, secrets, name) for each in build.get("secrets") or ()],
        "ssh": _compose_ssh(build.get("ssh")),
        "cache": {"from": _spelled(build.get("cache_from")), "to": _spelled(build.get("cache_to"))},
    }
    names = [service.get("image"), *(build.get("tags") or ())]
    return Target(name, _said(keys), tuple(each for each in names if each))


def _said(keys: Mapping[str, Any]) -> dict[str, Any]:
    cache = {key: value for key, value in (keys.get("cache") or {}).items() if value}
    return {key: value for key, value in {**keys, "cache": cache}.items() if value}


def _inside(path: str, folder: str, what: str) -> str:
    """The path from the folder, in which everything that is built must be."""
    if "://" in path or path.startswith("git@"):
        raise Unfit(f"{what} is not a folder here: {path}")
    # By their real places: compose writes whole paths, and a temporary folder may be behind a link.
    found = os.path.relpath(os.path.realpath(os.path.join(folder, path)), os.path.realpath(folder))
    if found == ".." or found.startswith("../"):
        raise Unfit(f"{what} is outside of the repository: {path}")
    return found


def _context(value: str, folder: str, name: str) -> str:
    return value if "://" in value or value.startswith("target:") else _inside(value, folder, f"a context of {name}")


def _service_context(value: str) -> str:
    """Another service; up to 2.32 compose takes `service:NAME` for a path in the folder."""
    return f"target:{value.removeprefix('service:')}" if value.startswith("service:") else value


def _value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _spelled(attributes: Iterable[Any] | None) -> list[str]:
    """Attributes as buildx's options spell them; newer versions print them as objects."""
    return [_csv(each) if isinstance(each, Mapping) else str(each) for each in attributes or ()]


def _csv(attributes: Mapping[str, Any]) -> str:
    """`type` and `id` first, as people write them."""
    ordered = sorted(attributes, key=lambda key: (key not in ("type", "id"), key))
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow([f"{key}={_value(attributes[key])}" for key in ordered])
    return out.getvalue()


def _ssh(given: Any) -> str:
    if not isinstance(given, Mapping):
        return str(given)
    paths = given.get("paths") or ()
    return f"{given.get('id')}={','.join(paths)}" if paths else str(given.get("id"))


def _compose_ssh(given: Any) -> list[str]:
    """A list, or a mapping of names to sockets and keys."""
    if isinstance(given, Mapping):
        return [f"{name}={path}" if path else str(name) for name, path in given.items()]
    return [str(each) for each in given or ()]


def _compose_secret(given: Any, secrets: Mapping[str, Any], name: str) -> str:
    source = given.get("source") if isinstance(given, Mapping) else given
    own = (given.get("target") if isinstance(given, Mapping) else None) or source
    defined = secrets.get(source) if isinstance(source, str) else None
    if not isinstance(defined, Mapping):
        raise Unfit(f"the secret {source} of {name} is not defined")
    if defined.get("environment"):
        return _csv({"id": own, "env": defined["environment"]})
    if defined.get("file"):
        return _csv({"id": own, "src": defined["file"]})
    raise Unfit(f"the secret {source} of {name} comes from neither a variable nor a file")


def _repository(reference: str) -> str:
    return parse(reference).repository


def unfit_references(references: Sequence[str]) -> str | None:
    """What is wrong with the names that a target gives, if something is."""
    return next(filter(None, map(_fault, references)), None)


def _fault(reference: str) -> str | None:
    try:
        parse(reference)
    except InvalidReference as error:
        return f"{reference}: {error.reason}"
    return None

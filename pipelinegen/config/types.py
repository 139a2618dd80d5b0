"""The kinds of value that the model is made of: a rule, and the same rule as far as JSON Schema can say it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WrapSerializer,
)
from pydantic_core import PydanticCustomError

from pipelinegen.branches import ENVIRONMENT_MAX, branch_problem
from pipelinegen.config import addresses, rules

K = TypeVar("K")
V = TypeVar("V")
Rule = Callable[[str], "str | None"]


def kebab(name: str) -> str:
    """`from_` is `from`, `build_args` is `build-args`."""
    return name.rstrip("_").replace("_", "-")


def camel(name: str) -> str:
    """container-structure-test's spelling: `exit_code` is `exitCode`."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


class Model(BaseModel):
    """Frozen; unknown keys are errors; nothing is converted: a number is no text, `yes` is no truth value."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, alias_generator=kebab, defer_build=True)


class CamelModel(Model):
    model_config = ConfigDict(alias_generator=camel)


M = TypeVar("M", bound=Model)


def default(model: type[M]) -> Callable[[], M]:
    """A model with all its defaults, made without building a validator for it."""
    return model.model_construct


def empty() -> Mapping[Any, Any]:
    return MappingProxyType({})


def refuse(what: str) -> PydanticCustomError:
    """An error of ours, with a message that is shown as it is."""
    return PydanticCustomError("rule", "{what}", {"what": what})


def ruled(rule: Rule) -> AfterValidator:
    def check(text: str) -> str:
        problem = rule(text)
        if problem is not None:
            raise refuse(problem)
        return text

    return AfterValidator(check)


def whole(pattern: str) -> str:
    """A pattern of Python's as JSON Schema takes it: it must match from end to end."""
    return f"^(?:{pattern})$"


def _pattern(pattern: str, longest: int | None = None) -> Any:
    # The length stands in the pattern, which is what keys of a mapping are checked by.
    length = "" if longest is None else f"(?=.{{1,{longest}}}$)"
    return Field(json_schema_extra={"pattern": whole(length + pattern)})


# What JSON Schema says is never stricter than the rule: an editor must not underline what the command accepts.
Text = Annotated[str, ruled(rules.text_problem)]
Word = Annotated[str, ruled(rules.text_problem), Field(min_length=1)]
Name = Annotated[str, ruled(rules.name_problem), _pattern(rules.NAME, 63)]
EnvironmentName = Annotated[str, ruled(rules.environment_problem), _pattern(rules.NAME, ENVIRONMENT_MAX)]
ProjectName = Annotated[str, ruled(rules.project_problem), _pattern(rules.LABEL, 63)]
Variable = Annotated[str, ruled(rules.variable_problem), _pattern(rules.VARIABLE)]
ImageRepository = Annotated[str, ruled(rules.image_repository_problem), _pattern(r"[^\s@]+")]
Platform = Annotated[str, ruled(rules.platform_problem), _pattern(rules.PLATFORM)]
Path = Annotated[str, ruled(rules.path_problem), _pattern(r"(?![/~])(?!(?:.*/)?\.\.(?:/|$)).+")]
PathPattern = Annotated[
    str,
    ruled(rules.pattern_problem),
    AfterValidator(lambda text: text.replace("./", "", 1) if text.startswith(("./", "!./")) else text),
    _pattern(r"(?!!?[/~])(?!#)(?!!?(?:.*/)?\.\.(?:/|$)).+"),
]
Branch = Annotated[str, ruled(branch_problem), _pattern(r"[^-+ ~^:?*\[\\][^ ~^:?*\[\\]*")]
Remote = Annotated[str, ruled(addresses.remote_problem), _pattern(r"[^-\s]\S*")]
WebAddress = Annotated[str, ruled(addresses.web_address_problem), _pattern(r"https?://[^\s@?#]+")]
Page = Annotated[str, ruled(addresses.page_problem), _pattern(r"https?://\S+")]
UrlPath = Annotated[str, ruled(addresses.url_path_problem), _pattern(r"/\S*")]
TagRule = Annotated[str, ruled(rules.tag_rule_problem), _pattern(r"\S.*|.*\S")]
FlavorRule = Annotated[str, ruled(rules.flavor_problem), _pattern(r".*[A-Za-z]\s*=.*")]
HeaderName = Annotated[str, ruled(rules.header_problem), _pattern(rules.HEADER)]
Cache = Annotated[str, ruled(rules.cache_problem), _pattern(r".+")]
Attestation = Annotated[str, ruled(rules.attest_problem), _pattern(r".*[Tt][Yy][Pp][Ee].*=.+")]
BuildSecret = Annotated[str, ruled(rules.build_secret_problem), _pattern(r".*[Ii][Dd].*=.+")]
Ssh = Annotated[str, ruled(rules.ssh_problem), _pattern(rf"{rules.NAME}(?:=\S+)?")]
Regex = Annotated[str, ruled(rules.regex_problem)]
Cron = Annotated[str, ruled(rules.cron_problem), _pattern(rules.CRON)]
Port = Annotated[int, Field(ge=1, le=65535)]
Count = Annotated[int, Field(ge=1, le=100_000)]


@dataclass(frozen=True, slots=True, eq=False)
class _Schema:
    """pydantic's WithJsonSchema, but a copy for each field: older versions write one field's default into all."""

    text: dict[str, Any]

    def __get_pydantic_json_schema__(self, _core: object, _handler: object) -> dict[str, Any]:
        return deepcopy(self.text)


def _duration(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        raise refuse(f"write the unit, such as {value}s")
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise refuse("write a duration as 30s, 5m or 1h30m")
    problem = rules.duration_problem(value)
    if problem is not None:
        raise refuse(problem)
    return rules.duration(value)


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    _Schema({"type": "string", "pattern": whole(rules.DURATION)}),
]


def _frozen(values: Mapping[K, V]) -> Mapping[K, V]:
    return MappingProxyType(dict(values))


def _filled(values: tuple[V, ...]) -> tuple[V, ...]:
    if not values:
        raise refuse("this must not be empty")
    return values


# Not pydantic's own minimum: it counts only the good items, and would call a list of one bad item empty.
Filled = Annotated[tuple[V, ...], AfterValidator(_filled), Field(json_schema_extra={"minItems": 1})]

# A mapping that nobody can change, and that pydantic can still write out again.
Frozen = Annotated[Mapping[K, V], AfterValidator(_frozen), WrapSerializer(lambda values, write: write(dict(values)))]


def _tuple(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _one_or_more(words: tuple[str, ...]) -> _Schema:
    one = {"enum": list(words), "type": "string"}
    return _Schema({"anyOf": [one, {"type": "array", "items": one}]})


Files = Annotated[
    tuple[Path, ...],
    BeforeValidator(_tuple),
    _Schema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
System = Literal["github", "gitlab", "jenkins"]
Deployer = Literal["kubectl", "helm", "kustomize", "terraform", "ansible", "chef", "puppet"]
Systems = Annotated[tuple[System, ...], BeforeValidator(_tuple), _one_or_more(get_args(System))]
Deployers = Annotated[tuple[Deployer, ...], BeforeValidator(_tuple), _one_or_more(get_args(Deployer))]

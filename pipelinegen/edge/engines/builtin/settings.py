"""The configuration of an image as instructions change it: environment, ports, health check, history."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipelinegen.images.platforms import parts_of
from pipelinegen.images.words import BadWord

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SHELL = ("/bin/sh", "-c")
COMMENT = "pipelinegen"
# What a configuration hands on to the next image. Docker's own files hold more, of the container that it was made in.
_KEPT = ("author", "architecture", "os", "os.version", "os.features", "variant", "config", "rootfs", "history")
_KEPT_SETTINGS = (
    *("User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "Volumes", "WorkingDir", "Labels", "StopSignal"),
    *("Healthcheck", "Shell", "OnBuild"),
)
_UNITS = {"ns": 1, "us": 1_000, "µs": 1_000, "μs": 1_000, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_DURATION = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
_SIGNAL = re.compile(
    r"(?:SIG)?(?:ABRT|ALRM|BUS|CHLD|CLD|CONT|FPE|HUP|ILL|INT|IO|IOT|KILL|PIPE|POLL|PROF|PWR|QUIT|SEGV|STKFLT|STOP|SYS"
    r"|TERM|TRAP|TSTP|TTIN|TTOU|URG|USR1|USR2|VTALRM|WINCH|XCPU|XFSZ|RTMIN(?:\+[0-9]{1,2})?|RTMAX(?:-[0-9]{1,2})?)"
)


class Settings:
    """One image's configuration. Copied for a stage that is built upon it."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.content: dict[str, Any] = copy.deepcopy({name: content[name] for name in _KEPT if content.get(name)})
        settings = self.content.get("config") or {}
        self.content["config"] = {name: settings[name] for name in _KEPT_SETTINGS if settings.get(name)}
        rootfs = self.content.get("rootfs") or {}
        self.content["rootfs"] = {"type": "layers", "diff_ids": list(rootfs.get("diff_ids") or [])}
        self.content["history"] = list(self.content.get("history") or [])

    @classmethod
    def empty(cls, platform: str) -> Settings:
        """Of FROM scratch, as BuildKit begins it."""
        settings = cls(parts_of(platform))
        settings.values["Env"] = [f"PATH={DEFAULT_PATH}"]
        settings.values["WorkingDir"] = "/"
        return settings

    @property
    def values(self) -> dict[str, Any]:
        """What the containers of the image are started with."""
        found: dict[str, Any] = self.content["config"]
        return found

    def variables(self) -> dict[str, str]:
        pairs = (entry.partition("=") for entry in self.values.get("Env") or [])
        return {name: value for name, _, value in pairs}

    def set_variable(self, name: str, value: str) -> None:
        """A variable keeps the place that it has in the list."""
        entries: list[str] = self.values.setdefault("Env", [])
        for at, entry in enumerate(entries):
            if entry.partition("=")[0] == name:
                entries[at] = f"{name}={value}"
                return
        entries.append(f"{name}={value}")

    def begin(self) -> None:
        """What every stage has at its start: a PATH, and none of the base's ONBUILD."""
        if "PATH" not in self.variables():
            self.set_variable("PATH", DEFAULT_PATH)
        self.values.pop("OnBuild", None)

    def add(self, key: str, names: Iterable[str]) -> None:
        """Into one of the sets that are written as objects (ports, volumes)."""
        self.values[key] = {**(self.values.get(key) or {}), **{name: {} for name in names}}

    def command(self, words: Sequence[str], *, is_json: bool) -> list[str]:
        """The words of CMD and ENTRYPOINT as they are started."""
        if is_json:
            return list(words)
        return [*(self.values.get("Shell") or SHELL), *(words or [""])]

    def note(self, created: str, step: str, *, diff_id: str | None = None) -> None:
        """One more line of the history; with a layer, if the step has made one."""
        entry: dict[str, Any] = {"created": created, "created_by": step, "comment": COMMENT}
        if diff_id is None:
            entry["empty_layer"] = True
        else:
            self.content["rootfs"]["diff_ids"].append(diff_id)
        self.content["history"].append(entry)

    def finished(self, created: str, platform: str | None) -> dict[str, Any]:
        """The content in a fixed order. `platform`: the one that was asked for, which the image then says it is for."""
        if platform is not None:
            self.content = {**{name: value for name, value in self.content.items() if name != "variant"}}
            self.content.update(parts_of(platform))
        ordered = {name: self.content[name] for name in _KEPT if name in self.content}
        return {"created": created, **ordered}


def exposed(port: str) -> list[str]:
    """80/tcp of 80; each of a range (8000-8002/udp). Raises BadWord."""
    found = re.fullmatch(r"(?:[^/]*:)?([0-9]{1,5})(?:-([0-9]{1,5}))?(?:/([A-Za-z]*))?", port)
    if found is None:
        raise BadWord(f"{port} is no port: 80, 53/udp or 8000-8010")
    first, last = int(found[1]), int(found[2] or found[1])
    protocol = (found[3] or "tcp").lower()
    if protocol not in ("tcp", "udp", "sctp"):
        raise BadWord(f"{protocol} is no protocol of a port: tcp, udp or sctp")
    if not first <= last <= 65535:
        raise BadWord(f"{port} is no range of ports up to 65535")
    return [f"{number}/{protocol}" for number in range(first, last + 1)]


def nanoseconds(text: str) -> int:
    """Go's durations: 30s, 1m30s, 1.5h. Raises BadWord."""
    if text == "0":
        return 0
    found = list(_DURATION.finditer(text))
    if not found or "".join(each[0] for each in found) != text:
        raise BadWord(f"{text} is no duration: 30s, 1m30s")
    total = sum(int(float(each[1]) * _UNITS[each[2]]) for each in found)
    if 0 < total < 10**6:
        raise BadWord(f"{text} is shorter than 1ms")
    return total


def health(command: Sequence[str], times: Mapping[str, str]) -> dict[str, Any]:
    """A health check. Raises BadWord."""
    names = {
        "interval": "Interval",
        "timeout": "Timeout",
        "start-period": "StartPeriod",
        "start-interval": "StartInterval",
    }
    check: dict[str, Any] = {"Test": list(command)}
    for flag, name in names.items():
        if (value := nanoseconds(times[flag]) if times.get(flag) else 0) > 0:
            check[name] = value
    retries = times.get("retries", "")
    if retries and not re.fullmatch(r"\+?[0-9]{1,9}", retries):
        raise BadWord(f"--retries is a number, not {retries}")
    return {**check, "Retries": int(retries)} if int(retries or 0) else check


def is_signal(text: str) -> bool:
    return bool(re.fullmatch(r"[1-9][0-9]{0,2}", text) or _SIGNAL.fullmatch(text.upper()))

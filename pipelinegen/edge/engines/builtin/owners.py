"""Who owns what is copied: USER[:GROUP] by number, or by the names that an image knows."""

from __future__ import annotations

from pipelinegen.edge.engines.builtin.layer import Owner
from pipelinegen.edge.filesystem import LayeredFiles

LONGEST_FILE = 4 * 1024 * 1024


def owner_of(text: str, files: LayeredFiles) -> Owner | None:
    """None where the image does not know the name. A user alone has its own group, or the group of its number."""
    user, _, group = text.partition(":")
    if not user and not group:
        return None
    found = _user(user, files)
    if found is None or not group:
        return found
    number = _group(group, files)
    return None if number is None else found._replace(gid=number)


def _user(user: str, files: LayeredFiles) -> Owner | None:
    if user.isdigit() or user == "root":
        number = 0 if user == "root" else int(user)
        return Owner(number, number)
    fields = _line_of("/etc/passwd", user, 4, files)
    return None if fields is None else Owner(int(fields[2]), int(fields[3]))


def _group(group: str, files: LayeredFiles) -> int | None:
    if group.isdigit() or group == "root":
        return 0 if group == "root" else int(group)
    fields = _line_of("/etc/group", group, 3, files)
    return None if fields is None else int(fields[2])


def _line_of(path: str, name: str, least: int, files: LayeredFiles) -> list[str] | None:
    """The fields of a name, of which there are at least so many, with numbers from the third on."""
    try:
        content = files.read(path, LONGEST_FILE).decode("utf-8", "replace")
    except KeyError:
        return None
    for line in content.splitlines():
        fields = line.strip().split(":")
        if fields[0] == name and len(fields) >= least and all(field.isdigit() for field in fields[2:least]):
            return fields
    return None

"""Tar archives of images, read member by member and never unpacked: POSIX, PAX and GNU headers, all within limits.

Python's tarfile reads a PAX header of any length into memory, and in versions that distributions still ship it loops on
a negative size (CVE-2025-8194); the layers of an image are input of strangers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

from pipelinegen.edge.streams import Stream, truncated, unreadable
from pipelinegen.errors import WorldError

BLOCK = 512
LONGEST_HEADER = 1024 * 1024

Kind = Literal["file", "folder", "symlink", "character", "block", "fifo"]
XATTR = "SCHILY.xattr."
NO_XATTRS: Mapping[str, bytes] = MappingProxyType({})

_KINDS: dict[bytes, Kind] = {
    b"0": "file",
    b"\0": "file",
    b"7": "file",
    b"2": "symlink",
    b"3": "character",
    b"4": "block",
    b"5": "folder",
    b"6": "fifo",
}
_HARD_LINK = b"1"
_EMPTY = bytes(BLOCK)


class Member(NamedTuple):
    """One entry as its headers have it. For a hard link `target` is the path of the file, and `hard` is true."""

    name: str
    kind: Kind
    mode: int
    uid: int
    gid: int
    size: int
    mtime: int
    target: str = ""
    hard: bool = False
    device: tuple[int, int] = (0, 0)
    xattrs: Mapping[str, bytes] = NO_XATTRS
    offset: int = 0


def members(stream: Stream) -> Iterator[Member]:
    """The entries in their order. The content of each may be read from the stream before the next one is asked for."""
    extra: dict[str, bytes] = {}
    while True:
        block = stream.read(BLOCK)
        # Archives that end without their two empty blocks are seen; one that ends within a header is cut off.
        if not extra and (not block or block == _EMPTY):
            return
        if len(block) < BLOCK:
            raise truncated(stream.where)
        _check(block, stream)
        kind, size = block[156:157], _number(block[124:136], stream)
        if kind in b"xgLK":
            extra |= _further(kind, size, stream)
            continue
        if "size" in extra:
            size = _decimal(extra["size"], stream)
        member = _member(block, size, extra, stream)
        extra = {}
        end = stream.position + (member.size + BLOCK - 1) // BLOCK * BLOCK
        if kind != b"V":  # the label of a GNU volume is no file
            yield member
        stream.skip_to(end)


def _member(block: bytes, size: int, extra: Mapping[str, bytes], stream: Stream) -> Member:
    kind = block[156:157]
    if kind not in _KINDS and kind not in (_HARD_LINK, b"V"):
        sparse = kind == b"S"
        raise unreadable(stream.where, "it holds a sparse file" if sparse else f"it holds an entry of type {kind!r}")
    if any(name.startswith("GNU.sparse.") for name in extra):
        raise unreadable(stream.where, "it holds a sparse file")
    name = _text(extra["path"]) if "path" in extra else _name(block)
    found = _KINDS.get(kind, "file")
    if found == "file" and name.endswith("/"):
        found = "folder"  # before POSIX there was no type for them
    xattrs = {key[len(XATTR) :]: value for key, value in extra.items() if key.startswith(XATTR)}
    return Member(
        name=name,
        kind=found,
        mode=_number(block[100:108], stream) & 0o7777,
        uid=_decimal(extra["uid"], stream) if "uid" in extra else _number(block[108:116], stream),
        gid=_decimal(extra["gid"], stream) if "gid" in extra else _number(block[116:124], stream),
        # Only files have content; others are seen with a size in their header, and nothing behind it.
        size=size if found == "file" and kind != _HARD_LINK else 0,
        mtime=_seconds(extra["mtime"], stream) if "mtime" in extra else _number(block[136:148], stream, signed=True),
        target=_text(extra["linkpath"]) if "linkpath" in extra else _cut(block[157:257]),
        hard=kind == _HARD_LINK,
        device=(_number(block[329:337], stream), _number(block[337:345], stream)) if kind in b"34" else (0, 0),
        xattrs=xattrs or NO_XATTRS,
        offset=stream.position,
    )


def _further(kind: bytes, size: int, stream: Stream) -> dict[str, bytes]:
    """What a header that only describes the next one says; a global one says nothing that is of use here."""
    if size > LONGEST_HEADER:
        raise unreadable(stream.where, f"it holds a header of more than {LONGEST_HEADER} bytes")
    body = stream.read((size + BLOCK - 1) // BLOCK * BLOCK)[:size]
    if len(body) < size:
        raise truncated(stream.where)
    if kind == b"x":
        return _records(body, stream)
    if kind == b"g":
        return {}
    return {"path" if kind == b"L" else "linkpath": body.split(b"\0", 1)[0]}


def _records(body: bytes, stream: Stream) -> dict[str, bytes]:
    """`LENGTH KEY=VALUE\\n`, the length being that of the whole record (pax interchange format)."""
    found: dict[str, bytes] = {}
    at = 0
    while body[at:].strip(b"\0"):
        blank = body.find(b" ", at, at + 20)
        end = at + _decimal(body[at : max(blank, at)], stream)
        key, equals, value = body[blank + 1 : max(end - 1, 0)].partition(b"=")
        if not equals or end > len(body):
            raise _damaged(stream)
        # An empty value takes a record of an earlier, global header back; there is none that is used.
        if value:
            found[_text(key)] = value
        at = end
    return found


def _check(block: bytes, stream: Stream) -> None:
    stated = _number(block[148:156], stream)
    total = sum(block) - sum(block[148:156]) + 8 * 0x20
    if stated == total:
        return
    # Some old programs added the bytes up as signed ones.
    negative = sum(byte > 127 for byte in block[:148]) + sum(byte > 127 for byte in block[156:])
    if stated != total - 256 * negative:
        raise _damaged(stream)


def _name(block: bytes) -> str:
    prefix = _cut(block[345:500]) if block[257:263] == b"ustar\0" else ""
    return f"{prefix}/{_cut(block[:100])}" if prefix else _cut(block[:100])


def _cut(field: bytes) -> str:
    return _text(field.split(b"\0", 1)[0])


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _number(field: bytes, stream: Stream, signed: bool = False) -> int:
    """Octal digits; or, with the first bit set, the number itself (GNU's way for large ones)."""
    if field[0] in (0x80, 0xFF):
        value = int.from_bytes(field, "big", signed=True) if field[0] == 0xFF else int.from_bytes(field[1:], "big")
        if value < 0 and not signed:
            raise _damaged(stream)
        return value
    digits = field.strip(b" \0")
    if not digits:
        return 0
    try:
        return int(digits.split(b"\0", 1)[0], 8)
    except ValueError:
        raise _damaged(stream) from None


def _decimal(digits: bytes, stream: Stream) -> int:
    if not digits.isdigit() or len(digits) > 20:
        raise _damaged(stream)
    return int(digits)


def _seconds(text: bytes, stream: Stream) -> int:
    whole = text.partition(b".")[0]
    negative = whole.startswith(b"-")
    value = _decimal(whole.removeprefix(b"-") or b"0", stream)
    return -value if negative else value


def _damaged(stream: Stream) -> WorldError:
    return unreadable(stream.where, "it is damaged, or no tar archive")

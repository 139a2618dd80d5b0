"""Our reader of tar archives against Python's, and against archives that nobody should have written."""

from __future__ import annotations

import contextlib
import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelinegen.edge.streams import open_stream
from pipelinegen.edge.tar import BLOCK, Member, members
from pipelinegen.errors import WorldError
from tests.support.layers import Item, file, folder, hard_link, symlink, write_tar

FORMATS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]


def read(data: bytes) -> list[tuple[Member, bytes]]:
    stream = open_stream(io.BytesIO(data), "x.tar")
    return [(member, stream.read(member.size)) for member in members(stream)]


def names(data: bytes) -> list[str]:
    return [member.name for member, _ in read(data)]


NAMES = st.lists(
    st.text(alphabet="abc.-_ éß日", min_size=1, max_size=60).filter(lambda text: text.strip(". ")),
    min_size=1,
    max_size=6,
).map("/".join)


def _file(name: str, body: bytes, mode: int, uid: int, gid: int, mtime: int) -> Item:
    return file(name, body, mode, uid, gid)._replace(mtime=mtime)


MODES = st.integers(0, 0o7777)
ITEMS = st.one_of(
    st.builds(
        _file,
        NAMES,
        st.binary(max_size=1200),
        MODES,
        st.integers(0, 5_000_000_000),
        st.integers(0, 70_000),
        st.integers(0, 20_000_000_000),
    ),
    st.builds(folder, NAMES, MODES, st.just(0), st.just(0)),
    st.builds(symlink, NAMES, NAMES),
    st.builds(hard_link, NAMES, NAMES),
)


@given(st.lists(ITEMS, max_size=8), st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]))
def test_reads_what_tarfile_reads(items: list[Item], format: int) -> None:
    data = write_tar(items, format)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        expected = [
            (
                each.name,
                each.mode,
                each.uid,
                each.gid,
                each.size if each.isreg() else 0,
                int(each.mtime),
                each.linkname,
                each.islnk(),
                (tar.extractfile(each) or io.BytesIO()).read() if each.isreg() else b"",
            )
            for each in tar
        ]
    got = [
        (
            member.name.rstrip("/"),
            member.mode,
            member.uid,
            member.gid,
            member.size,
            member.mtime,
            member.target,
            member.hard,
            body,
        )
        for member, body in read(data)
    ]
    assert got == expected


@given(st.lists(ITEMS, min_size=1, max_size=4), st.data())
def test_damage_is_told_or_harmless_and_never_endless(items: list[Item], data: st.DataObject) -> None:
    body = bytearray(write_tar(items))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(body[: data.draw(st.integers(0, len(body)))])
    with contextlib.suppress(WorldError):
        assert len(read(cut)) <= len(cut) // BLOCK


@pytest.mark.parametrize("format", FORMATS)
def test_a_long_path(format: int) -> None:
    name = "/".join(["folder-of-some-length"] * 6) + "/file"
    assert names(write_tar([file(name, b"x")], format)) == [name]


def test_the_kinds_of_entries() -> None:
    items = [
        folder("a"),
        file("a/f", b"1"),
        symlink("a/s", "../b"),
        hard_link("a/h", "a/f"),
        Item("a/p", b"", type=tarfile.FIFOTYPE),
        Item("a/c", b"", type=tarfile.CHRTYPE),
        Item("a/b", b"", type=tarfile.BLKTYPE),
        Item("a/old/", b"", type=tarfile.AREGTYPE),
    ]
    assert [(member.kind, member.hard) for member, _ in read(write_tar(items))] == [
        ("folder", False),
        ("file", False),
        ("symlink", False),
        ("file", True),
        ("fifo", False),
        ("character", False),
        ("block", False),
        ("folder", False),
    ]


def test_extended_attributes_are_kept_as_bytes() -> None:
    data = write_tar([Item("bin/ping", b"x", pax={"SCHILY.xattr.security.capability": "\x01\x02é"})])
    ((member, _),) = read(data)
    assert member.xattrs == {"security.capability": "\x01\x02é".encode()}


def test_a_name_that_is_not_utf_8_survives() -> None:
    data = write_tar([Item("caf\udce9", b"x")], tarfile.GNU_FORMAT)
    assert names(data)[0].encode("utf-8", "surrogateescape") == b"caf\xe9"


def test_the_content_need_not_be_read() -> None:
    stream = open_stream(io.BytesIO(write_tar([file("a", b"x" * 2000), file("b", b"y")])), "x.tar")
    assert [member.name for member in members(stream)] == ["a", "b"]


@pytest.mark.parametrize("blocks", [0, 1, 2, 7])
def test_an_archive_ends_with_any_number_of_empty_blocks(blocks: int) -> None:
    body = write_tar([file("a", b"x")])[: 2 * BLOCK]
    assert names(body + bytes(blocks * BLOCK)) == ["a"]


def _header(**fields: bytes) -> bytes:
    """A header with fields of one's own and a right checksum."""
    block = bytearray(write_tar([file("a", b"x")], tarfile.USTAR_FORMAT)[:BLOCK])
    places = {"size": 124, "kind": 156, "mode": 100, "uid": 108, "mtime": 136}
    for name, value in fields.items():
        block[places[name] : places[name] + len(value)] = value
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


BROKEN = {
    "cut in a header": write_tar([file("a", b"x")])[:300],
    "cut in a content": write_tar([file("a", b"x" * 2000)])[: 3 * BLOCK],
    "no archive": b"hello, world\n" * 100,
    "wrong checksum": b"b" + write_tar([file("a", b"x")], tarfile.USTAR_FORMAT)[1:],
    "negative size": _header(size=b"\xff" * 12) + bytes(BLOCK),
    "size that is no number": _header(size=b"12x45678901\0") + bytes(BLOCK),
    "size beyond everything": _header(size=b"\x80" + b"\xff" * 11) + bytes(BLOCK),
    "sparse file of GNU": _header(kind=b"S") + bytes(BLOCK),
    "unknown type": _header(kind=b"Z") + bytes(BLOCK),
    "sparse file of PAX": write_tar([Item("a", b"x", pax={"GNU.sparse.major": "1"})]),
    "huge header": _header(kind=b"x", size=b"77777777777\0") + bytes(BLOCK),
    "long name that is cut": _header(kind=b"L", size=b"00000001000\0") + bytes(BLOCK),
    "record without an end": _header(kind=b"x", size=b"00000000011\0") + b"99 path=a\n".ljust(BLOCK, b"\0"),
    "record without a length": _header(kind=b"x", size=b"00000000011\0") + b"path=abcd\n".ljust(BLOCK, b"\0"),
    "record of no length": _header(kind=b"x", size=b"00000000011\0") + b"0 path=ab\n".ljust(BLOCK, b"\0"),
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_what_cannot_be_read_is_told(data: bytes) -> None:
    with pytest.raises(WorldError) as caught:
        read(data)
    assert caught.value.id == "archive-unreadable"
    assert caught.value.where == "x.tar"


def test_a_large_user_number_of_gnu() -> None:
    ((member, _),) = read(write_tar([Item("a", b"", uid=3_000_000_000)], tarfile.GNU_FORMAT))
    assert member.uid == 3_000_000_000


@pytest.mark.parametrize("seconds", [-5, -1, 0, 1])
def test_a_time_around_1970(seconds: int) -> None:
    ((member, _),) = read(write_tar([Item("a", b"", mtime=seconds)], tarfile.GNU_FORMAT))
    assert member.mtime == seconds

"""Streams: every compression, members behind one another, padding, what is cut off, what is too long."""

from __future__ import annotations

import bz2
import gzip
import importlib.util
import io
import lzma
import random
import zlib
from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipelinegen.edge.streams import CHUNK, GzipWriter, Stream, compression_of, open_stream
from pipelinegen.errors import WorldError

PACK: dict[str, Callable[[bytes], bytes]] = {
    "none": lambda data: data,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}
BODY = b"".join(b"%d " % number for number in range(60_000))


def rest(data: bytes) -> bytes:
    return b"".join(open_stream(io.BytesIO(data), "x").rest())


@pytest.mark.parametrize("pack", PACK.values(), ids=PACK)
def test_reads_every_compression(pack: Callable[[bytes], bytes]) -> None:
    assert rest(pack(BODY)) == BODY


@pytest.mark.parametrize("name", ["gzip", "bzip2", "xz"])
def test_reads_members_behind_one_another(name: str) -> None:
    pack = PACK[name]
    assert rest(pack(b"one, ") + pack(b"") + pack(b"two")) == b"one, two"


def test_zeros_behind_the_last_member_are_padding() -> None:
    assert rest(gzip.compress(b"x") + bytes(3 * CHUNK)) == b"x"


def test_inflates_much_out_of_little() -> None:
    assert sum(map(len, open_stream(io.BytesIO(gzip.compress(bytes(20_000_000))), "x").rest())) == 20_000_000


@pytest.mark.parametrize("name", ["gzip", "bzip2", "xz"])
@pytest.mark.parametrize("cut", [1, 9, 500])
def test_what_is_cut_off_is_told(name: str, cut: int) -> None:
    with pytest.raises(WorldError, match="ends in the middle"):
        rest(PACK[name](BODY)[:-cut])


@pytest.mark.parametrize("name", ["gzip", "bzip2", "xz"])
def test_what_is_damaged_is_told(name: str) -> None:
    data = bytearray(PACK[name](BODY))
    data[len(data) // 2] ^= 0xFF
    data[-6] ^= 0xFF
    with pytest.raises(WorldError) as caught:
        rest(bytes(data))
    assert caught.value.id == "archive-unreadable"


def test_garbage_behind_a_member_is_told() -> None:
    with pytest.raises(WorldError):
        rest(gzip.compress(b"x") + b"garbage")


def test_more_than_the_limit_is_told() -> None:
    stream = open_stream(io.BytesIO(gzip.compress(bytes(1_000_000))), "x", longest=999_999)
    with pytest.raises(WorldError, match="more than 999999 bytes"):
        list(stream.rest())


@pytest.mark.skipif(importlib.util.find_spec("compression") is not None, reason="this Python has zstd")
def test_without_zstd_its_message_says_what_to_do() -> None:
    with pytest.raises(WorldError) as caught:
        rest(b"\x28\xb5\x2f\xfd" + bytes(20))
    assert caught.value.id == "zstd-missing"
    assert "3.14" in (caught.value.next or "")


@pytest.mark.skipif(importlib.util.find_spec("compression") is None, reason="zstd came with Python 3.14")
def test_reads_zstd() -> None:
    zstd = importlib.import_module("compression.zstd")
    assert rest(zstd.compress(BODY)) == BODY


@given(st.lists(st.integers(0, 400), max_size=12), st.lists(st.binary(max_size=90), max_size=12), st.booleans())
def test_reading_and_skipping_keep_the_place(steps: list[int], chunks: list[bytes], plain: bool) -> None:
    body = b"".join(chunks)
    assume(not plain or compression_of(body) == "none")
    stream = open_stream(io.BytesIO(body), "x") if plain else Stream(iter(chunks), "x")
    at = 0
    for number, step in enumerate(steps):
        if number % 2 and at + step <= len(body):
            stream.skip_to(at + step)
            at += step
        else:
            assert stream.read(step) == body[at : at + step]
            at = min(at + step, len(body))
        assert stream.position == at
    assert b"".join(stream.rest()) == body[at:]


@pytest.mark.parametrize("position", [1, 70_000, CHUNK, CHUNK + 1, 3 * CHUNK - 1])
def test_skipping_at_once(position: int) -> None:
    body = random.Random(3).randbytes(3 * CHUNK)
    stream = open_stream(io.BytesIO(body), "x")
    stream.skip_to(position)
    assert stream.read(9) == body[position : position + 9]


def test_nothing_is_read_backwards() -> None:
    stream = open_stream(io.BytesIO(b"abc"), "x")
    stream.read(2)
    with pytest.raises(ValueError, match="forwards"):
        stream.skip_to(1)


@pytest.mark.parametrize("pack", [PACK["none"], PACK["gzip"]], ids=["plain", "gzip"])
def test_skipping_beyond_the_end_is_told(pack: Callable[[bytes], bytes]) -> None:
    with pytest.raises(WorldError, match="ends in the middle"):
        open_stream(io.BytesIO(pack(b"abc")), "x").skip_to(9)


def test_a_part_of_a_file() -> None:
    file = io.BytesIO(b"before" + gzip.compress(b"inside") + b"after")
    file.seek(6)
    stream = open_stream(file, "x", size=len(file.getvalue()) - 11)
    assert b"".join(stream.rest()) == b"inside"


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_gzip_is_written_the_same_way_each_time_and_read_by_others(pieces: list[bytes]) -> None:
    written = []
    for _ in range(2):
        parts: list[bytes] = []
        writer = GzipWriter(parts.append)
        for piece in pieces:
            writer.write(piece)
        writer.end()
        written.append(b"".join(parts))
    assert written[0] == written[1]
    assert gzip.decompress(written[0]) == b"".join(pieces)
    # No time, no name, no system: RFC 1952, 2.3.
    assert written[0][:10] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
    assert zlib.decompress(written[0], 31) == b"".join(pieces)

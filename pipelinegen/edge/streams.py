"""Byte streams of layers and archives: decompressed by their first bytes, bounded; gzip written reproducibly."""

from __future__ import annotations

import importlib
import os
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Literal, NamedTuple

from pipelinegen.errors import WorldError

CHUNK = 256 * 1024
GIB = 1024 * 1024 * 1024
# More than any image that is seen in practice; a bomb of zeros is a thousand times its own size.
LONGEST = 256 * GIB

Compression = Literal["none", "gzip", "zstd", "bzip2", "xz"]
_MAGIC: tuple[tuple[bytes, Compression], ...] = (
    (b"\x1f\x8b\x08", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
)
# RFC 1952: deflate, no flags, no time, no extra flags, unknown system. zlib's own header names the system it runs on.
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_GZIP_LEVEL = 6


class Stream:
    """Bytes read forwards, once. `position` counts those that were read or skipped."""

    def __init__(
        self,
        chunks: Iterator[bytes],
        where: str,
        longest: int = LONGEST,
        jump: Callable[[int], object] | None = None,
        head: bytes = b"",
    ) -> None:
        self.position = 0
        self.where = where
        self._chunks = chunks
        # What `jump` moves is behind what was read already.
        self._buffer = memoryview(head)
        self._longest = longest
        self._jump = jump

    def read(self, size: int) -> bytes:
        """That many bytes, fewer only at the end."""
        if size <= len(self._buffer):
            return bytes(self._take(size))
        parts: list[memoryview] = []
        while size > 0 and self._fill():
            part = self._take(min(size, len(self._buffer)))
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def pieces(self, size: int) -> Iterator[memoryview]:
        """The next bytes in the pieces in which they come; an error where the stream ends before."""
        while size > 0:
            if not self._fill():
                raise truncated(self.where)
            part = self._take(min(size, len(self._buffer)))
            size -= len(part)
            yield part

    def skip_to(self, position: int) -> None:
        ahead = position - self.position
        if ahead < 0:
            raise ValueError("a stream is read forwards")
        if self._jump is not None and ahead > len(self._buffer):
            self._jump(ahead - len(self._buffer))
            self._buffer = memoryview(b"")
            self.position = position
            return
        for _ in self.pieces(ahead):
            pass

    def rest(self) -> Iterator[memoryview]:
        while self._fill():
            yield self._take(len(self._buffer))

    def _fill(self) -> bool:
        while not len(self._buffer):
            chunk = next(self._chunks, None)
            if chunk is None:
                return False
            self._buffer = memoryview(chunk)
        return True

    def _take(self, size: int) -> memoryview:
        part, self._buffer = self._buffer[:size], self._buffer[size:]
        self.position += size
        if self.position > self._longest:
            raise unreadable(self.where, f"it holds more than {self._longest} bytes")
        return part


class GzipWriter:
    """Compresses into `write`, always to the same bytes for the same input and the same zlib."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._deflate = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        self._check = zlib.crc32(b"")
        self._size = 0
        write(_GZIP_HEADER)

    def write(self, data: bytes | memoryview) -> None:
        self._check = zlib.crc32(data, self._check)
        self._size += len(data)
        if compressed := self._deflate.compress(data):
            self._write(compressed)

    def end(self) -> None:
        trailer = self._check.to_bytes(4, "little") + (self._size & 0xFFFFFFFF).to_bytes(4, "little")
        self._write(self._deflate.flush() + trailer)


def compression_of(head: bytes) -> Compression:
    """By the first bytes, as the engines do; what the media type says is not always so."""
    return next((name for magic, name in _MAGIC if head.startswith(magic)), "none")


def open_stream(file: BinaryIO, where: str, *, size: int | None = None, longest: int = LONGEST) -> Stream:
    """What is in a file from where it stands (`size` bytes of it), decompressed."""
    window = _Window(file, where, size)
    return _opened(window.chunks(), where, longest, window.jump)


def stream_of(chunks: Iterator[bytes | memoryview], where: str) -> Stream:
    """What is in pieces, decompressed."""
    return _opened((bytes(chunk) for chunk in chunks), where, LONGEST, None)


def _opened(raw: Iterator[bytes], where: str, longest: int, jump: Callable[[int], object] | None) -> Stream:
    head = next(raw, b"")
    compression = compression_of(head)
    if compression == "none":
        return Stream(raw, where, longest, jump, head)
    return Stream(_decompressed(_joined(head, raw), _codec(compression, where), where), where, longest)


def truncated(where: str) -> WorldError:
    return unreadable(where, "it ends in the middle")


def unreadable(where: str, why: str) -> WorldError:
    return WorldError(f"this archive cannot be read: {why}", id="archive-unreadable", where=where)


class _Window:
    """The part of a file from where it stands, of a size or up to the end."""

    def __init__(self, file: BinaryIO, where: str, size: int | None) -> None:
        self._file = file
        self._where = where
        here = file.tell()
        self._left = file.seek(0, os.SEEK_END) - here if size is None else size
        file.seek(here)

    def chunks(self) -> Iterator[bytes]:
        while self._left > 0:
            chunk = self._file.read(min(self._left, CHUNK))
            if not chunk:
                raise truncated(self._where)
            self._left -= len(chunk)
            yield chunk

    def jump(self, ahead: int) -> None:
        if ahead > self._left:
            raise truncated(self._where)
        self._left -= ahead
        self._file.seek(ahead, os.SEEK_CUR)


def _joined(head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if head:
        yield head
    yield from rest


class _Codec(NamedTuple):
    """How one member is decompressed, and what its module raises for bytes that are none of its own."""

    start: Callable[[], Any]
    error: type[Exception]


def _codec(compression: Compression, where: str) -> _Codec:
    if compression == "gzip":
        return _Codec(_Gunzip, zlib.error)
    if compression == "bzip2":
        import bz2

        return _Codec(bz2.BZ2Decompressor, OSError)
    if compression == "xz":
        import lzma

        return _Codec(lzma.LZMADecompressor, lzma.LZMAError)
    try:
        zstd = importlib.import_module("compression.zstd")
    except ImportError:
        raise WorldError(
            "this is compressed with zstd, which this Python cannot read",
            id="zstd-missing",
            where=where,
            next="run pipelinegen with Python 3.14 or newer, or compress it with gzip",
        ) from None
    return _Codec(zstd.ZstdDecompressor, zstd.ZstdError)


class _Gunzip:
    """zlib's decompressor in the words of those of bz2 and lzma."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self._held = b""
        self._full = False

    def decompress(self, data: bytes, max_length: int) -> bytes:
        out = self._inflate.decompress(self._held + data if self._held else data, max_length)
        self._held = self._inflate.unconsumed_tail
        self._full = len(out) >= max_length
        return out

    @property
    def eof(self) -> bool:
        return self._inflate.eof

    @property
    def needs_input(self) -> bool:
        return not self._held and not self._full

    @property
    def unused_data(self) -> bytes:
        return self._inflate.unused_data


def _decompressed(chunks: Iterator[bytes], codec: _Codec, where: str) -> Iterator[bytes]:
    """One member after the other (estargz, pigz); zeros behind the last one are padding, as gzip has it."""
    member: Any = None
    ended = 0
    chunk = b""
    while chunk or (chunk := next(chunks, b"")):
        if member is None:
            if ended and not chunk.strip(b"\0"):
                chunk = b""
                continue
            member = codec.start()
        try:
            yield member.decompress(chunk, CHUNK)
            while not member.eof and not member.needs_input:
                yield member.decompress(b"", CHUNK)
        except codec.error as error:
            raise unreadable(where, str(error)) from None
        chunk = b""
        if member.eof:
            chunk, member, ended = member.unused_data, None, ended + 1
    if member is not None:
        raise truncated(where)

"""Xet's files: xorbs (many compressed chunks in a row) and shards (which chunks of which xorbs make
which file).

Formats: https://huggingface.co/docs/xet/xorb and https://huggingface.co/docs/xet/shard, as hf_xet
1.8.0 sends them.
"""

import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np
import pyarrow as pa

FOOTER = b"XETBLOB"
RECORD = 48
"""Bytes of every entry of a shard."""
BOOKEND = b"\xff" * 32
LAST_ENTRY_OF_FILE, FIRST_CHUNK_OF_FILE = 1 << 30, 1 << 31
"""Flags: a file has its SHA-256 as the last record; a chunk may be asked for by others."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Where a chunk lies in its xorb: its header at `start`, the next one's at `end`."""

    start: int
    end: int
    num_bytes: int


@dataclass(frozen=True, slots=True)
class Term:
    """A run of chunks of one xorb, [first, last)."""

    xorb: str
    num_bytes: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class XetFile:
    """A file as a shard describes it; `sha256` where the client sent it."""

    hash: str
    terms: tuple[Term, ...]
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Shard:
    """Files, and the hashes of chunks by which another client may find the xorbs of this shard.

    `files_end` and `end`: where its two lists end, each with its bookend.
    """

    files: tuple[XetFile, ...]
    files_end: int
    end: int
    xorbs: tuple[str, ...]
    eligible_chunks: tuple[str, ...]


def hash_text(raw: bytes) -> str:
    """A hash as Xet writes it: four 64-bit numbers, each little-endian in the bytes."""
    return "".join(f"{word:016x}" for word in struct.unpack("<4Q", raw))


def with_footer(content: bytes) -> bytes:
    """A shard as a client takes it from a store: its two lists, without lookup tables, and the
    footer that uploads lack.

    The footer: version, offsets of the two lists, offset and length of three tables, the key that
    chunk hashes are hidden with (none), times of making and of expiry, six unused numbers, sizes,
    the footer's own offset.
    """
    shard, now = read_shard(content), int(time.time())
    offsets = [1, RECORD, shard.files_end, shard.end, 0, shard.end, 0, shard.end, 0]
    footer = [*offsets, 0, 0, 0, 0, now, now + 86_400, *[0] * 6, 0, 0, 0, shard.end]
    return (
        content[:40]
        + struct.pack("<Q", 8 * len(footer))
        + content[48 : shard.end]
        + struct.pack("<25Q", *footer)
    )


def read_shard(content: bytes) -> Shard:
    """Reads a shard; only its two lists, not the lookup tables behind them."""
    records = iter(range(RECORD, len(content), RECORD))  # after the header

    def read() -> bytes:
        start = next(records)
        return content[start : start + RECORD]

    files, xorbs, chunks = [], [], []
    while (head := read())[:32] != BOOKEND:
        flags, num_terms = struct.unpack("<II", head[32:40])
        terms = [read() for _ in range(num_terms)]
        if flags & FIRST_CHUNK_OF_FILE:  # here: a record that verifies each term
            for _ in range(num_terms):
                read()
        sha256 = hash_text(read()[:32]) if flags & LAST_ENTRY_OF_FILE else None
        parsed = (Term(hash_text(term[:32]), *struct.unpack("<III", term[36:48])) for term in terms)
        files.append(XetFile(hash_text(head[:32]), tuple(parsed), sha256))
    file_starts = {(file.terms[0].xorb, file.terms[0].first) for file in files if file.terms}
    files_end = next(records)
    records = iter(range(files_end, len(content), RECORD))
    while (head := read())[:32] != BOOKEND:
        xorbs.append(xorb := hash_text(head[:32]))
        for number in range(struct.unpack("<I", head[36:40])[0]):
            entry = read()
            (flags,) = struct.unpack("<I", entry[40:44])
            # The first chunk of a file (clients of today do not flag it), and every 1024th by its
            # hash: what clients ask for.
            every_1024th = struct.unpack("<Q", entry[24:32])[0] % 1024 == 0
            if (xorb, number) in file_starts or flags & FIRST_CHUNK_OF_FILE or every_1024th:
                chunks.append(hash_text(entry[:32]))
    end = next(records, len(content))
    return Shard(tuple(files), files_end, end, tuple(xorbs), tuple(chunks))


def read_chunks(xorb: bytes) -> list[Chunk]:
    """Where the chunks of a xorb lie.

    Raises:
        ValueError: it does not consist of whole chunks, as after a cut.
    """
    chunks, start = [], 0
    while start < len(xorb) and xorb[start : start + len(FOOTER)] != FOOTER:
        if start + 8 > len(xorb):
            raise ValueError("a chunk's header is cut off")
        end = start + 8 + int.from_bytes(xorb[start + 1 : start + 4], "little")
        if end > len(xorb):
            raise ValueError("a chunk is cut off")
        chunks.append(Chunk(start, end, int.from_bytes(xorb[start + 5 : start + 8], "little")))
        start = end
    return chunks


def unpack(xorb: bytes, chunk: Chunk) -> bytes:
    """The bytes of one chunk."""
    scheme, packed = xorb[chunk.start + 4], xorb[chunk.start + 8 : chunk.end]
    if scheme == 0:
        return packed
    plain = bytes(pa.Codec("lz4").decompress(packed, decompressed_size=chunk.num_bytes))
    if scheme == 1:
        return plain
    # Scheme 2: the bytes at 0, 4, 8 … come first, then those at 1, 5, 9 …
    lanes, grouped, start = np.empty(chunk.num_bytes, np.uint8), np.frombuffer(plain, np.uint8), 0
    for lane in range(4):
        size = len(lanes[lane::4])
        lanes[lane::4] = grouped[start : start + size]
        start += size
    return lanes.tobytes()


class Xorbs:
    """Xorbs on disk, with where their chunks lie."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.chunks: dict[str, list[Chunk]] = {}

    def put(self, hash: str, content: bytes) -> None:
        """Raises ValueError where the content is cut off."""
        chunks = read_chunks(content)
        (self.folder / hash).write_bytes(content)
        self.chunks[hash] = chunks

    def path(self, hash: str) -> Path:
        return self.folder / hash

    def rebuild(self, file: XetFile) -> Iterator[bytes]:
        """The bytes of a file, chunk after chunk."""
        for term in file.terms:
            xorb = self.path(term.xorb).read_bytes()
            for chunk in self.chunks[term.xorb][term.first : term.last]:
                yield unpack(xorb, chunk)


def reconstruction(
    xorbs: Xorbs, file: XetFile, *, url: str, span: tuple[int, int] | None
) -> dict[str, object] | None:
    """The answer to GET /v1/reconstructions/{hash}: which byte ranges of which xorbs a reader needs
    for `span`, [first, last).

    None where the file ends before it.
    """
    sizes = [
        chunk.num_bytes
        for term in file.terms
        for chunk in xorbs.chunks[term.xorb][term.first : term.last]
    ]
    first, last = span or (0, sum(sizes))
    if first >= sum(sizes) and sizes:
        return None
    terms, wanted = [], {}
    skipped, ends = None, iter(accumulate(sizes))
    for term in file.terms:
        needed = []
        for index in range(term.first, term.last):
            chunk, end = xorbs.chunks[term.xorb][index], next(ends)
            start = end - chunk.num_bytes
            if start < last and end > first:
                skipped = first - start if skipped is None else skipped
                needed.append((index, chunk))
        if not needed:
            continue
        run = {"start": needed[0][0], "end": needed[-1][0] + 1}
        size = sum(chunk.num_bytes for _, chunk in needed)
        terms.append({"hash": term.xorb, "unpacked_length": size, "range": run})
        place = {"start": needed[0][1].start, "end": needed[-1][1].end - 1}
        wanted.setdefault(term.xorb, []).append(
            {"range": run, "url": f"{url}/{term.xorb}", "url_range": place}
        )
    return {"offset_into_first_range": skipped or 0, "terms": terms, "fetch_info": wanted}

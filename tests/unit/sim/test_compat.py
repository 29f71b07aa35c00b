# SPDX-License-Identifier: Apache-2.0
"""The stand-ins for lz4.h and zlib.h, against Python's zlib and the LZ4 block format."""

from __future__ import annotations

import ctypes
import subprocess
import zlib

import numpy as np
import pytest

from sim.build import BENCH
from sim.toolchain import find_compiler

SOURCE = """
#include "lz4.h"
#include "zlib.h"
extern "C" int lz4(const char* from, int size, char* to, int room) {
  return LZ4_compress_default(from, to, size, room);
}
extern "C" int lz4_bound(int size) { return LZ4_compressBound(size); }
extern "C" unsigned long deflate(const unsigned char* from, unsigned long size, unsigned char* to,
                                 unsigned long room) {
  return compress2(to, &room, from, size, 9) == Z_OK ? room : 0;
}
extern "C" unsigned long deflate_bound(unsigned long size) { return compressBound(size); }
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    folder = tmp_path_factory.mktemp("compat")
    (folder / "a.cpp").write_text(SOURCE)
    command = [
        *find_compiler().command,
        "-std=c++20",
        "-shared",
        "-fPIC",
        "-O1",
        "-Wall",
        "-Werror",
    ]
    command += [f"-I{BENCH / 'compat'}", "a.cpp", "-o", "a.so"]
    subprocess.run(command, cwd=folder, check=True)
    loaded = ctypes.CDLL(str(folder / "a.so"))
    loaded.deflate.restype = loaded.deflate_bound.restype = ctypes.c_ulong
    return loaded


def lz4_decode(data: bytes) -> bytes:
    """The block format, as its document describes it."""
    out = bytearray()
    at = 0

    def length(short: int) -> int:
        nonlocal at
        total = short
        while short == 15:
            total += data[at]
            at += 1
            if data[at - 1] != 255:
                break
        return total

    while True:
        token = data[at]
        at += 1
        count = length(token >> 4)
        out += data[at : at + count]
        at += count
        if at == len(data):
            return bytes(out)
        offset = int.from_bytes(data[at : at + 2], "little")
        at += 2
        for _ in range(length(token & 15) + 4):
            out.append(out[-offset])


def samples() -> list[bytes]:
    random = np.random.default_rng(5)
    return [
        b"",
        b"a",
        b"abcdefghijkl",
        b"abc" * 1000,
        bytes(70_001),
        random.bytes(70_000),
        bytes(random.integers(0, 3, 100_000, np.uint8)),
        random.bytes(300) + bytes(300) + random.bytes(20) + b"tail",
    ]


@pytest.mark.parametrize("data", samples(), ids=len)
def test_lz4_blocks_decode_to_what_went_in(library: ctypes.CDLL, data: bytes) -> None:
    room = library.lz4_bound(len(data))
    buffer = ctypes.create_string_buffer(room)
    size = library.lz4(data, len(data), buffer, room)
    assert 0 < size <= room
    assert lz4_decode(buffer.raw[:size]) == data


def test_lz4_compresses_repetition(library: ctypes.CDLL) -> None:
    room = library.lz4_bound(70_000)
    buffer = ctypes.create_string_buffer(room)
    assert library.lz4(bytes(70_000), 70_000, buffer, room) < 400


@pytest.mark.parametrize("data", samples(), ids=len)
def test_zlib_streams_decode_to_what_went_in(library: ctypes.CDLL, data: bytes) -> None:
    room = library.deflate_bound(ctypes.c_ulong(len(data)))
    buffer = ctypes.create_string_buffer(room)
    size = library.deflate(data, ctypes.c_ulong(len(data)), buffer, ctypes.c_ulong(room))
    assert size > 0
    assert zlib.decompress(buffer.raw[:size]) == data

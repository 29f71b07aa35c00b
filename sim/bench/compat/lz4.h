// SPDX-License-Identifier: Apache-2.0
//
// The part of LZ4's interface that Verilator's FST writer uses: blocks of the LZ4 format
// (https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md) by a greedy matcher.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

namespace tessera_lz4 {

constexpr int kMinMatch = 4;
constexpr int kMatchLimit = 12;  // no match starts in the last 12 bytes,
constexpr int kLastLiterals = 5;  // or covers the last 5
constexpr int kMaxOffset = 65535;
constexpr int kHashBits = 13;

inline uint32_t read32(const char* at) {
  uint32_t value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

inline char* put_length(char* out, int length) {
  for (; length >= 255; length -= 255) *out++ = static_cast<char>(255);
  *out++ = static_cast<char>(length);
  return out;
}

// One sequence: literals, then a match unless `match` is 0.
inline char* put_sequence(char* out, const char* literals, int count, int match, int offset) {
  const int high = count < 15 ? count : 15;
  const int low = match == 0 ? 0 : (match - kMinMatch < 15 ? match - kMinMatch : 15);
  *out++ = static_cast<char>(high << 4 | low);
  if (high == 15) out = put_length(out, count - 15);
  std::memcpy(out, literals, count);
  out += count;
  if (match == 0) return out;
  *out++ = static_cast<char>(offset & 0xff);
  *out++ = static_cast<char>(offset >> 8);
  if (low == 15) out = put_length(out, match - kMinMatch - 15);
  return out;
}

}  // namespace tessera_lz4

inline int LZ4_compressBound(int size) { return size + size / 255 + 16; }

// `room` must be at least LZ4_compressBound(size); 0 if not.
inline int LZ4_compress_default(const char* from, char* to, int size, int room) {
  using namespace tessera_lz4;
  if (room < LZ4_compressBound(size)) return 0;
  std::vector<int> seen(1 << kHashBits, -1);
  char* out = to;
  int anchor = 0;
  for (int at = 0; at + kMatchLimit <= size;) {
    const uint32_t word = read32(from + at);
    int& slot = seen[word * 2654435761u >> (32 - kHashBits)];
    const int candidate = slot;
    slot = at;
    if (candidate < 0 || at - candidate > kMaxOffset || read32(from + candidate) != word) {
      ++at;
      continue;
    }
    int length = kMinMatch;
    while (at + length < size - kLastLiterals && from[candidate + length] == from[at + length]) {
      ++length;
    }
    out = put_sequence(out, from + anchor, at - anchor, length, at - candidate);
    at += length;
    anchor = at;
  }
  out = put_sequence(out, from + anchor, size - anchor, 0, 0);
  return static_cast<int>(out - to);
}

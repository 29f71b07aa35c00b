// SPDX-License-Identifier: Apache-2.0
//
// The part of zlib's interface that Verilator's FST writer uses, without compression: a zlib stream of
// stored blocks (RFC 1950, RFC 1951 section 3.2.4).
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

using Bytef = unsigned char;
using uLong = unsigned long;
using uLongf = unsigned long;
constexpr int Z_OK = 0;
constexpr int Z_BUF_ERROR = -5;

namespace tessera_zlib {

constexpr uLong kBlock = 65535;
constexpr uLong kHeader = 2, kBlockHeader = 5, kChecksum = 4;

inline uint32_t adler32(const Bytef* data, uLong size) {
  uint32_t a = 1, b = 0;
  for (uLong i = 0; i < size; ++i) {
    a = (a + data[i]) % 65521;
    b = (b + a) % 65521;
  }
  return b << 16 | a;
}

}  // namespace tessera_zlib

inline uLong compressBound(uLong size) {
  using namespace tessera_zlib;
  return kHeader + kChecksum + size + kBlockHeader * (size / kBlock + 1);
}

inline int compress2(Bytef* to, uLongf* to_size, const Bytef* from, uLong size, int /*level*/) {
  using namespace tessera_zlib;
  if (*to_size < compressBound(size)) return Z_BUF_ERROR;
  Bytef* out = to;
  *out++ = 0x78;  // deflate, 32 KiB window
  *out++ = 0x01;  // check bits
  const uint32_t checksum = adler32(from, size);
  uLong left = size;
  do {
    const uLong length = std::min(left, kBlock);
    left -= length;
    *out++ = left == 0;  // final block, stored
    for (const uLong field : {length, ~length}) {
      *out++ = field & 0xff;
      *out++ = field >> 8 & 0xff;
    }
    std::memcpy(out, from, length);
    out += length;
    from += length;
  } while (left > 0);
  for (int shift = 24; shift >= 0; shift -= 8) *out++ = checksum >> shift & 0xff;
  *to_size = out - to;
  return Z_OK;
}

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace tessera {

inline constexpr unsigned kIdBits = 24;  // accel/isa.py ID_BITS

// Element `index`, `width` bits (at most 32) wide, of a packed array as DPI passes it.
inline uint32_t packed(const uint32_t* words, unsigned index, unsigned width) {
  const unsigned bit = index * width, shift = bit % 32;
  uint64_t value = words[bit / 32] >> shift;
  if (shift + width > 32) value |= uint64_t{words[bit / 32 + 1]} << (32 - shift);
  return static_cast<uint32_t>(value & ((uint64_t{1} << width) - 1));
}

}  // namespace tessera

// SPDX-License-Identifier: Apache-2.0
//
// A queue of at most kRoom elements, a power of two, in place: what is asked in every cycle costs no
// memory allocation and little arithmetic.
#pragma once

#include <array>
#include <cstddef>

namespace tessera {

template <typename T, size_t kRoom>
class Ring {
  static_assert((kRoom & (kRoom - 1)) == 0);

 public:
  bool empty() const { return first_ == end_; }
  size_t size() const { return end_ - first_; }
  T& front() { return at_[first_ % kRoom]; }
  const T& front() const { return at_[first_ % kRoom]; }
  void push_back(const T& value) { at_[end_++ % kRoom] = value; }  // the caller checks the size
  void pop_front() { ++first_; }
  void clear() { first_ = end_; }

 private:
  std::array<T, kRoom> at_{};
  size_t first_ = 0, end_ = 0;
};

}  // namespace tessera

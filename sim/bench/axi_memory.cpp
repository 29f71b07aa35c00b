// SPDX-License-Identifier: Apache-2.0
#include "axi_memory.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace tessera {

namespace {

constexpr uint64_t kPage = 4096;
constexpr unsigned kIncrementing = 1;
constexpr unsigned kLongestStall = 64;

// splitmix64
uint64_t draw(uint64_t& state) {
  uint64_t z = (state += 0x9e3779b97f4a7c15ull);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

}  // namespace

void Stalls::reset(double probability, uint64_t seed) {
  threshold_ = static_cast<uint64_t>(probability * 0x1p32);
  state_ = seed;
  next();
}

void Stalls::next() {
  left_ = 0;
  if (threshold_ == 0) return;
  while (left_ < kLongestStall && (draw(state_) >> 32) < threshold_) ++left_;
}

bool Stalls::hold(bool waiting) {
  if (left_ == 0) return false;
  if (waiting) --left_;
  return true;
}

void AxiMemory::reset() {
  reads_.clear();
  writes_.clear();
  answers_.clear();
  read_credit_ = write_credit_ = 0;
  uint64_t seed = timing_.seed;
  for (Stalls* channel : {&ar_, &aw_, &w_, &r_, &b_}) channel->reset(timing_.stall, draw(seed));
  pins_ = Pins{};
  violation_.clear();
}

void AxiMemory::fail(const std::string& text) {
  if (violation_.empty()) violation_ = text;
}

void AxiMemory::check_burst(const char* channel, uint64_t address, unsigned beats, unsigned size,
                            unsigned burst) {
  char at[64];
  std::snprintf(at, sizeof at, "%s burst of %u beats at 0x%llx ", channel, beats,
                static_cast<unsigned long long>(address));
  if (burst != kIncrementing) fail(std::string(at) + "is not an INCR burst");
  if (1u << size != bus_) fail(std::string(at) + "has beats narrower than the bus");
  if (address % bus_) fail(std::string(at) + "is not aligned to the bus");
  if (address / kPage != (address + beats * bus_ - 1) / kPage) {
    fail(std::string(at) + "crosses a 4 KiB boundary");
  }
}

Response AxiMemory::response(uint64_t address) const {
  for (const Fault& fault : faults_) {
    if (address + bus_ > fault.start && address < fault.start + fault.size) return fault.response;
  }
  return address + bus_ <= size_ ? Response::Okay : Response::DecErr;
}

void AxiMemory::read_address(uint64_t address, unsigned beats, unsigned size, unsigned burst) {
  check_burst("read", address, beats, size, burst);
  reads_.push_back({address, beats, now_ + timing_.latency});
  ar_.next();
}

void AxiMemory::write_address(uint64_t address, unsigned beats, unsigned size, unsigned burst) {
  check_burst("write", address, beats, size, burst);
  writes_.push_back({address, beats, Response::Okay});
  aw_.next();
}

void AxiMemory::write_data(const uint32_t* data, uint64_t strobe, bool last) {
  Write& write = writes_.front();  // there is one: w_ready was high
  const Response answer = response(write.address);
  write.response = std::max(write.response, answer);
  if (answer == Response::Okay) {
    const uint8_t* from = reinterpret_cast<const uint8_t*>(data);
    for (unsigned i = 0; i < bus_; ++i) {
      if (strobe >> i & 1) bytes_[write.address + i] = from[i];
    }
  }
  write.address += bus_;
  if (last != (write.beats == 1)) fail("WLAST does not come with the last beat of its burst");
  if (--write.beats == 0) {
    answers_.push_back({write.response, now_ + timing_.latency});
    writes_.pop_front();
  }
  write_credit_ -= bus_;
  w_.next();
}

const AxiMemory::Pins& AxiMemory::step(const Handshakes& seen) {
  read_credit_ = std::min(most_credit(), read_credit_ + timing_.bytes_per_cycle);
  write_credit_ = std::min(most_credit(), write_credit_ + timing_.bytes_per_cycle);
  pins_.ar_ready = !ar_.hold(seen.ar_waiting) && reads_.size() < kMaxBursts;
  step_read(seen.r_taken);
  step_write(seen);
  ++now_;
  return pins_;
}

uint64_t AxiMemory::rest() const {
  if (pins_.r_valid || pins_.b_valid) return 0;
  if (read_credit_ < most_credit() || write_credit_ < most_credit()) return 0;
  uint64_t due = UINT64_MAX;
  if (!reads_.empty()) due = reads_.front().due;
  if (!answers_.empty()) due = std::min(due, answers_.front().due);
  return due > now_ ? due - now_ : 0;
}

void AxiMemory::copy_beat(uint32_t* data) const { std::memcpy(data, beat_, bus_); }

void AxiMemory::step_read(bool taken) {
  pins_.r_new = false;
  if (pins_.r_valid && !taken) return;
  pins_.r_valid = false;
  if (reads_.empty() || reads_.front().due > now_ || read_credit_ < bus_) return;
  if (r_.hold(true)) return;
  Read& read = reads_.front();
  const Response answer = response(read.address);
  if (answer == Response::Never) return;
  if (answer == Response::Okay) {
    std::memcpy(beat_, bytes_ + read.address, bus_);
  } else {
    std::memset(beat_, 0, bus_);
  }
  pins_.r_valid = pins_.r_new = true;
  pins_.r_response = answer;
  pins_.r_last = read.beats == 1;
  read.address += bus_;
  read_credit_ -= bus_;
  if (--read.beats == 0) reads_.pop_front();
  r_.next();
}

void AxiMemory::step_write(const Handshakes& seen) {
  pins_.aw_ready = !aw_.hold(seen.aw_waiting) && writes_.size() + answers_.size() < kMaxBursts;
  pins_.w_ready = !writes_.empty() && write_credit_ >= bus_ && !w_.hold(seen.w_waiting);
  if (pins_.b_valid && !seen.b_taken) return;
  pins_.b_valid = false;
  if (answers_.empty() || answers_.front().due > now_ || b_.hold(true)) return;
  if (answers_.front().response == Response::Never) return;
  pins_.b_valid = true;
  pins_.b_response = answers_.front().response;
  answers_.pop_front();
  b_.next();
}

}  // namespace tessera

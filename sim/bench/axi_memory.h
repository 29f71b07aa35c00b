// SPDX-License-Identifier: Apache-2.0
//
// AXI4 slave over a byte array: one id, in-order, many bursts under way.
//
// Time: events of a cycle (handshakes) are reported first, then `step` computes the pins of the next
// cycle. With latency 0 the first beat follows its address in the next cycle. Random stalls are drawn
// per handshake, not per cycle, so that they depend on the traffic only and every backend sees the
// same ones.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "ring.h"

namespace tessera {

enum class Response : uint8_t { Okay = 0, SlvErr = 2, DecErr = 3, Never = 4 };

struct MemoryTiming {
  uint32_t latency = 40;          // cycles from address (write: last data) to the answer
  double bytes_per_cycle = 16.0;  // of each direction
  double stall = 0.0;             // probability of one more wait cycle, on every channel
  uint64_t seed = 1;
};

// Bursts that touch [start, start + size) are answered with `response`.
struct Fault {
  uint64_t start;
  uint64_t size;
  Response response;
};

// Wait cycles of one channel, geometrically distributed.
class Stalls {
 public:
  void reset(double probability, uint64_t seed);
  // A beat has gone: draw the wait of the next one.
  void next();
  // Whether the channel must still wait; `waiting` counts the wait down.
  bool hold(bool waiting);

 private:
  uint64_t threshold_ = 0;
  uint64_t state_ = 0;
  unsigned left_ = 0;
};

class AxiMemory {
 public:
  struct Handshakes {
    bool ar_waiting, aw_waiting, w_waiting;  // valid in this cycle
    bool r_taken, b_taken;
  };
  struct Pins {
    bool ar_ready, aw_ready, w_ready;
    bool r_valid, r_last, r_new;  // r_new: another beat than in the cycle before
    bool b_valid;
    Response r_response, b_response;
  };

  // `bytes` must outlive this object.
  void attach(uint8_t* bytes, uint64_t size) { bytes_ = bytes, size_ = size; }
  void set_bus(unsigned bus_bytes) { bus_ = bus_bytes; }
  void set_timing(const MemoryTiming& timing) { timing_ = timing; }
  void set_faults(std::vector<Fault> faults) { faults_ = std::move(faults); }
  // Forget all bursts and start the random stalls anew.
  void reset();

  // Events of this cycle.
  void read_address(uint64_t address, unsigned beats, unsigned size, unsigned burst);
  void write_address(uint64_t address, unsigned beats, unsigned size, unsigned burst);
  void write_data(const uint32_t* data, uint64_t strobe, bool last);

  const Pins& step(const Handshakes& seen);
  // For how many more steps without any handshake the pins stay as they are.
  uint64_t rest() const;
  // One of them.
  void rest_step() { ++now_; }
  // The data of a new beat, one bus width.
  void copy_beat(uint32_t* data) const;

  // First broken AXI rule, or empty.
  const std::string& violation() const { return violation_; }

 private:
  struct Read {
    uint64_t address;
    unsigned beats;
    uint64_t due;
  };
  struct Write {
    uint64_t address;
    unsigned beats;
    Response response;
  };
  struct Answer {
    Response response;
    uint64_t due;
  };

  static constexpr size_t kMaxBursts = 64;
  static constexpr unsigned kMaxBusBytes = 64;

  void check_burst(const char* channel, uint64_t address, unsigned beats, unsigned size,
                   unsigned burst);
  void fail(const std::string& text);
  Response response(uint64_t address) const;
  double most_credit() const { return std::max<double>(bus_, timing_.bytes_per_cycle); }
  void step_read(bool taken);
  void step_write(const Handshakes& seen);

  uint8_t* bytes_ = nullptr;
  uint64_t size_ = 0;
  unsigned bus_ = 16;
  MemoryTiming timing_;
  std::vector<Fault> faults_;

  uint64_t now_ = 0;
  Ring<Read, kMaxBursts> reads_;
  Ring<Write, kMaxBursts> writes_;  // addresses whose data are not complete
  Ring<Answer, kMaxBursts> answers_;
  double read_credit_ = 0, write_credit_ = 0;  // bytes that may move now
  Stalls ar_, aw_, w_, r_, b_;
  Pins pins_{};
  uint32_t beat_[kMaxBusBytes / 4] = {};
  std::string violation_;
};

}  // namespace tessera

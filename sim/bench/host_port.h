// SPDX-License-Identifier: Apache-2.0
//
// AXI4-Lite master. Writes are posted: they queue here and go out one per cycle, as far as the device
// takes them. Simulated time passes only while a goal is under way (a read, or a wait for the
// interrupt), so that all backends see the same cycles.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

namespace tessera {

enum class Goal : uint8_t { None, Read, Interrupt };
enum class Outcome : uint8_t { Running = 0, Reached = 1, Expired = 2 };

class HostPort {
 public:
  struct Handshakes {
    bool aw_taken, w_taken, b_valid, ar_taken;
    bool irq;
  };
  struct Pins {
    bool aw_valid, w_valid, ar_valid;
    bool is_new;  // an address or data differ from those of the cycle before
  };

  void reset();
  void post(uint32_t address, uint32_t value);

  // Read a register once all posted writes are answered. Expires when a write or the read itself has
  // not been answered for kAnswerCycles. When nothing but command words is blocked (a stream that
  // hangs), the read overtakes them after kOvertakeCycles, so that a host can look into a hang.
  void start_read(uint32_t address);

  // Wait until the interrupt is high with no write pending. Expires after max_cycles.
  void start_wait(uint64_t max_cycles);

  // Event of this cycle: the answer to the read.
  void read_data(uint32_t value);

  const Pins& step(const Handshakes& seen);
  // For how many more steps without handshake or interrupt the pins stay as they are, and the goal
  // is not reached.
  uint64_t rest() const;
  // One of them.
  void rest_step() {
    ++blocked_;
    ++waited_;
    quiet_ += quiet_ > 0;
  }
  Outcome outcome() const { return outcome_; }
  uint32_t write_address() const { return write_.address; }
  uint32_t write_data() const { return write_.value; }
  uint32_t read_address() const { return read_; }
  uint32_t value() const { return value_; }  // of the last read
  uint64_t pending() const { return queue_.size() + (pins_.aw_valid || pins_.w_valid); }

 private:
  struct Write {
    uint32_t address, value;
  };

  static constexpr uint64_t kAnswerCycles = 1000000;
  static constexpr uint64_t kOvertakeCycles = 10000;
  static constexpr unsigned kSettleCycles = 4;  // from a write's answer to its effect on the irq

  void step_write(const Handshakes& seen);
  void step_goal(const Handshakes& seen);
  bool writes_done() const {
    return unanswered_ == 0 && !pins_.aw_valid && !pins_.w_valid && queue_.empty();
  }

  std::deque<Write> queue_;
  uint64_t registers_queued_ = 0;  // of the queued and presented writes, those to registers
  Write write_{};                  // presented
  uint32_t unanswered_ = 0;
  uint64_t blocked_ = 0;  // cycles since the last write was taken or answered
  unsigned quiet_ = 0;    // cycles since all writes were answered

  Goal goal_ = Goal::None;
  Outcome outcome_ = Outcome::Reached;
  uint32_t read_ = 0, value_ = 0;
  bool asked_ = false;  // the read's address was presented
  uint64_t waited_ = 0, limit_ = 0;
  Pins pins_{};
};

}  // namespace tessera

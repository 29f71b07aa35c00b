// SPDX-License-Identifier: Apache-2.0
//
// The C++ half of the testbench: memory, host, observer and waves, advanced by tb_top once per clock.
// Who drives the clock (capi.cpp, or cocotb) starts a goal on the host port and clocks until `busy`
// falls.
#pragma once

#include <cstdint>
#include <string>

#include "axi_memory.h"
#include "host_port.h"
#include "observer.h"
#include "waves.h"

namespace tessera {

class Bench {
 public:
  // What tb_top saw in a cycle, and what it drives in the next: bit positions as in tb_top.sv.
  using Seen = uint64_t;
  using Driven = uint32_t;

  AxiMemory memory;
  HostPort host;
  Observer observer;
  Waves waves;
  void (*on_dump)(Bench&) = nullptr;  // called in a cycle that is to be dumped

  // Return memory, host and observer to their initial state. The caller also resets the hardware.
  void reset();
  Driven step(Seen seen) {
    if (seen != seen_ || rest_ == 0) return rest_of(seen, step_anew(seen));
    --rest_;
    ++cycles_;
    memory.rest_step();
    host.rest_step();
    observer.count_again();
    return driven_;
  }
  // Something happened that `step` does not see.
  Bench& woken() {
    rest_ = 0;
    return *this;
  }

  void start_read(uint32_t address);
  void start_wait(uint64_t max_cycles);
  bool busy() const { return busy_; }
  uint64_t cycles() const { return cycles_; }

  // Stop with an error: what broke, or empty.
  void fail(const std::string& text);
  const std::string& error() const { return error_; }

  // Whether the present cycle is to be dumped.
  bool dumping() const { return dumping_; }

  // The testbench that a model made by this thread attaches to; made on first use.
  static Bench* current();
  static void set_current(Bench* bench);

 private:
  void check_goal();
  Driven step_anew(Seen seen);
  Driven rest_of(Seen seen, Driven driven);

  uint64_t cycles_ = 0;
  bool busy_ = false;
  bool dumping_ = false;
  bool wake_ = false;  // toggles when a goal ends
  Seen seen_ = 0;      // of the last step
  Driven driven_ = 0;
  uint64_t rest_ = 0;  // so many more steps drive the same if they see the same
  std::string error_;
};

}  // namespace tessera

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
  Driven step(Seen seen);

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

  uint64_t cycles_ = 0;
  bool busy_ = false;
  bool dumping_ = false;
  bool wake_ = false;  // toggles when a goal ends
  std::string error_;
};

}  // namespace tessera

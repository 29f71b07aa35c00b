// SPDX-License-Identifier: Apache-2.0
#include "bench.h"

#include <algorithm>

namespace tessera {

namespace {

thread_local Bench* current_bench = nullptr;

}  // namespace

void Bench::reset() {
  woken();
  memory.reset();
  host.reset();
  observer.reset();
  busy_ = false;
  error_.clear();
}

void Bench::start_read(uint32_t address) {
  woken().host.start_read(address);
  busy_ = error_.empty();
}

void Bench::start_wait(uint64_t max_cycles) {
  woken().host.start_wait(max_cycles);
  busy_ = error_.empty();
}

void Bench::fail(const std::string& text) {
  if (error_.empty()) error_ = text;
}

void Bench::check_goal() {
  if (!memory.violation().empty()) fail("AXI protocol violation: " + memory.violation());
  if (!busy_ || (host.outcome() == Outcome::Running && error_.empty())) return;
  busy_ = false;
  wake_ = !wake_;
}

Bench::Driven Bench::step_anew(Seen seen) {
  const auto bit = [seen](unsigned position) { return (seen >> position & 1) != 0; };
  dumping_ = waves.step(cycles_);
  if (dumping_ && on_dump) on_dump(*this);
  ++cycles_;
  if (!bit(0)) return uint32_t{wake_} << 16;  // in reset

  observer.count(bit(11), seen >> 12 & 0xf, seen >> 16 & 0xffffff);
  const AxiMemory::Pins& m = memory.step({.ar_waiting = bit(1),
                                          .aw_waiting = bit(2),
                                          .w_waiting = bit(3),
                                          .r_taken = bit(4),
                                          .b_taken = bit(5)});
  const HostPort::Pins& h = host.step({.aw_taken = bit(6),
                                       .w_taken = bit(7),
                                       .b_valid = bit(8),
                                       .ar_taken = bit(9),
                                       .irq = bit(10)});
  check_goal();
  return uint32_t{m.ar_ready} | uint32_t{m.aw_ready} << 1 | uint32_t{m.w_ready} << 2 |
         uint32_t{m.r_valid} << 3 | uint32_t{m.r_last} << 4 |
         static_cast<uint32_t>(m.r_response) << 5 | uint32_t{m.r_new} << 7 |
         uint32_t{m.b_valid} << 8 | static_cast<uint32_t>(m.b_response) << 9 |
         uint32_t{h.aw_valid} << 11 | uint32_t{h.w_valid} << 12 | uint32_t{h.ar_valid} << 13 |
         uint32_t{h.is_new} << 14 | uint32_t{waves.watching()} << 15 | uint32_t{wake_} << 16;
}

// Most cycles are like the one before: the array works, memory and host wait. See for how long.
Bench::Driven Bench::rest_of(Seen seen, Driven driven) {
  constexpr Seen kHandshakes = 0x7fe;  // and the interrupt
  const bool still = (seen & kHandshakes) == 0 && !waves.is_open();
  seen_ = seen;
  driven_ = driven;
  rest_ = still ? std::min(memory.rest(), host.rest()) : 0;
  return driven;
}

Bench* Bench::current() {
  if (current_bench == nullptr) current_bench = new Bench;
  return current_bench;
}

void Bench::set_current(Bench* bench) { current_bench = bench; }

}  // namespace tessera

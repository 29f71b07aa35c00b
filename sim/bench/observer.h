// SPDX-License-Identifier: Apache-2.0
//
// Records when each command ran and what the array did meanwhile (accel/device.py: Profile). A cycle
// in which the array waits while the vector unit works is charged to the vector unit's command, so
// that pooling and addition layers get the cycles they cost. A new stream (counting rises) starts a
// new record.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_map>
#include <vector>

namespace tessera {

class Observer {
 public:
  static constexpr unsigned kUnits = 4;          // accel/isa.py: Unit, without DISPATCH
  static constexpr unsigned kArrayCycles = 11;   // accel/isa.py: ArrayCycle
  struct Command {
    int64_t id, unit, start, end;
  };
  using Histogram = std::array<int64_t, kArrayCycles>;

  void reset();

  // Events of this cycle, before `count`: bit u of `starts` and `dones` is unit u.
  void command_events(unsigned starts, unsigned dones, const uint32_t* start_ids,
                      const uint32_t* done_ids);
  // Once per cycle.
  void count(bool counting, unsigned array_cycle, uint32_t array_id);
  // Another cycle like the one before.
  void count_again() {
    if (!counting_) return;
    ++*cell_;
    ++now_;
  }

  const std::vector<Command>& commands() const { return commands_; }
  const std::unordered_map<uint32_t, Histogram>& array_cycles() const { return array_cycles_; }

 private:
  bool counting_ = false;
  int64_t now_ = 0;  // counted cycles of this stream
  std::unordered_map<uint64_t, int64_t> started_;  // unit << 32 | id -> cycle
  std::vector<Command> commands_;
  std::unordered_map<uint32_t, Histogram> array_cycles_;
  uint32_t current_id_ = 0;
  Histogram* current_ = nullptr;  // of current_id_
  int64_t unknown_ = 0;           // cycles that are none of ArrayCycle
  int64_t* cell_ = nullptr;       // what the last cycle was counted in
  std::deque<uint32_t> vector_;   // commands under way in the vector unit, oldest first
};

}  // namespace tessera

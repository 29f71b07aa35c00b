// SPDX-License-Identifier: Apache-2.0
#include "observer.h"

#include "bits.h"

namespace tessera {

namespace {

constexpr unsigned kVector = 2;   // accel/isa.py Unit.VECTOR

// Whether the array waits for others in a cycle of this kind (accel/isa.py ArrayCycle).
bool waits_for_others(unsigned array_cycle) {
  constexpr unsigned kDepVector = 6, kCommand = 8, kDrain = 10;
  return array_cycle == kDepVector || array_cycle == kCommand || array_cycle == kDrain;
}

}  // namespace

void Observer::reset() { *this = Observer{}; }

void Observer::command_events(unsigned starts, unsigned dones, const uint32_t* start_ids,
                              const uint32_t* done_ids) {
  for (unsigned unit = 0; unit < kUnits; ++unit) {
    const uint64_t key = uint64_t{unit} << 32;
    if (starts >> unit & 1) {
      const uint32_t id = packed(start_ids, unit, kIdBits);
      started_[key | id] = now_;
      if (unit == kVector) vector_.push_back(id);
    }
    if (dones >> unit & 1) {
      const uint32_t id = packed(done_ids, unit, kIdBits);
      if (unit == kVector && !vector_.empty()) vector_.pop_front();
      const auto found = started_.find(key | id);
      if (found == started_.end()) continue;
      commands_.push_back({id, unit, found->second, now_});
      started_.erase(found);
    }
  }
}

void Observer::count(bool counting, unsigned array_cycle, uint32_t array_id) {
  if (!counting) {
    counting_ = false;
    return;
  }
  if (!counting_) reset();
  counting_ = true;
  if (!vector_.empty() && waits_for_others(array_cycle)) array_id = vector_.front();
  if (current_ == nullptr || array_id != current_id_) {
    current_id_ = array_id;
    current_ = &array_cycles_[array_id];
  }
  cell_ = array_cycle < kArrayCycles ? &(*current_)[array_cycle] : &unknown_;
  count_again();
}

}  // namespace tessera

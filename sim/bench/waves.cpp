// SPDX-License-Identifier: Apache-2.0
#include "waves.h"

#include <verilated.h>

#if VM_TRACE_FST
#include <verilated_fst_c.h>
using TraceFile = VerilatedFstC;
#endif

#include "bits.h"

namespace tessera {

namespace {

constexpr unsigned kUnits = 5;      // accel/isa.py: Unit
constexpr unsigned kStateBits = 4;  // wait_e
constexpr unsigned kIdle = 0;       // accel/isa.py: Wait.IDLE

}  // namespace

#if VM_TRACE_FST

struct Waves::File {
  TraceFile trace;
};

bool Waves::open(const std::string& path, const WaveWindow& window) {
  constexpr int kAllLevels = 99;
  file_ = std::make_unique<File>();
  Verilated::threadContextp()->trace(&file_->trace, kAllLevels);
  file_->trace.open(path.c_str());
  window_ = window;
  watching_ = window.first_id > 0 || window.last_id < UINT32_MAX;
  return file_->trace.isOpen();
}

void Waves::dump(uint64_t time) { file_->trace.dump(time); }

void Waves::close() {
  if (file_) file_->trace.close();
  file_.reset();
}

#else

struct Waves::File {};

bool Waves::open(const std::string&, const WaveWindow&) { return false; }
void Waves::dump(uint64_t) {}
void Waves::close() {}

#endif

Waves::Waves() = default;
Waves::~Waves() { close(); }

void Waves::units(const uint32_t* ids, const uint32_t* states) {
  in_window_ = false;
  for (unsigned unit = 0; unit < kUnits; ++unit) {
    const uint32_t id = packed(ids, unit, kIdBits);
    if (packed(states, unit, kStateBits) != kIdle && id >= window_.first_id && id <= window_.last_id) {
      in_window_ = true;
    }
  }
}

bool Waves::step(uint64_t cycle) {
  if (!file_ || cycle < window_.first_cycle || cycle > window_.last_cycle) return false;
  return !watching_ || in_window_;
}

}  // namespace tessera

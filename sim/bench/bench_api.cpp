// SPDX-License-Identifier: Apache-2.0
//
// C ABI of the testbench, for Python (sim/backends/bench_abi.py), in the simulator library as well as
// in the cocotb simulator process.
#include <algorithm>
#include <cstring>
#include <vector>

#include "bench.h"

using tessera::Bench;

namespace {

enum Status { kRunning = 0, kReached = 1, kExpired = 2, kFailed = 3 };

}  // namespace

extern "C" {

Bench* tessera_bench_current() { return Bench::current(); }

void tessera_set_memory(Bench* bench, uint8_t* bytes, uint64_t size) {
  bench->memory.attach(bytes, size);
}

void tessera_set_timing(Bench* bench, uint32_t latency, double bytes_per_cycle, double stall,
                        uint64_t seed) {
  bench->memory.set_timing({latency, bytes_per_cycle, stall, seed});
}

// `faults`: start, size, response (tessera::Response) of each.
void tessera_set_faults(Bench* bench, const uint64_t* faults, uint64_t count) {
  std::vector<tessera::Fault> list;
  for (uint64_t i = 0; i < count; ++i, faults += 3) {
    list.push_back({faults[0], faults[1], static_cast<tessera::Response>(faults[2])});
  }
  bench->memory.set_faults(std::move(list));
}

void tessera_reset(Bench* bench) { bench->reset(); }

// `writes`: address, value of each.
void tessera_post(Bench* bench, const uint32_t* writes, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) bench->host.post(writes[2 * i], writes[2 * i + 1]);
}

void tessera_start_read(Bench* bench, uint32_t address) { bench->start_read(address); }
void tessera_start_wait(Bench* bench, uint64_t max_cycles) { bench->start_wait(max_cycles); }
uint32_t tessera_value(const Bench* bench) { return bench->host.value(); }
uint64_t tessera_pending(const Bench* bench) { return bench->host.pending(); }
uint64_t tessera_cycles(const Bench* bench) { return bench->cycles(); }
const char* tessera_error(const Bench* bench) { return bench->error().c_str(); }

int tessera_status(const Bench* bench) {
  if (!bench->error().empty()) return kFailed;
  return bench->busy() ? kRunning : static_cast<int>(bench->host.outcome());
}

// Copy the commands of the last stream (id, unit, start, end of each) unless `to` is null; how many.
uint64_t tessera_commands(const Bench* bench, int64_t* to) {
  const auto& commands = bench->observer.commands();
  if (to) std::memcpy(to, commands.data(), commands.size() * sizeof commands[0]);
  return commands.size();
}

// The same for the array's cycles: id, then cycles by ArrayCycle.
uint64_t tessera_array_cycles(const Bench* bench, int64_t* to) {
  const auto& cycles = bench->observer.array_cycles();
  if (to == nullptr) return cycles.size();
  for (const auto& [id, histogram] : cycles) {
    *to++ = id;
    to = std::copy(histogram.begin(), histogram.end(), to);
  }
  return cycles.size();
}

// Dump the chosen commands and cycles (both ends inclusive) to a file; 0: cannot.
int tessera_waves_open(Bench* bench, const char* path, uint32_t first_id, uint32_t last_id,
                       uint64_t first_cycle, uint64_t last_cycle) {
  return bench->waves.open(path, {first_id, last_id, first_cycle, last_cycle});
}

void tessera_waves_close(Bench* bench) { bench->waves.close(); }

}  // extern "C"

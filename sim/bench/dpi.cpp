// SPDX-License-Identifier: Apache-2.0
//
// The functions that tb_top.sv imports.
#include <svdpi.h>

#include "bench.h"

using tessera::Bench;

namespace {

Bench& at(void* bench) { return *static_cast<Bench*>(bench); }

}  // namespace

extern "C" {

void* tessera_bench_attach(int bus_bytes) {
  Bench* bench = Bench::current();
  bench->memory.set_bus(bus_bytes);
  return bench;
}

int tessera_bench_step(void* bench, long long seen) { return at(bench).step(seen); }

void tessera_bench_ar(void* bench, long long address, int len, int size, int burst) {
  at(bench).woken().memory.read_address(address, len + 1, size, burst);
}

void tessera_bench_aw(void* bench, long long address, int len, int size, int burst) {
  at(bench).woken().memory.write_address(address, len + 1, size, burst);
}

void tessera_bench_w(void* bench, const svBitVecVal* data, long long strobe, svBit last) {
  at(bench).woken().memory.write_data(data, strobe, last);
}

void tessera_bench_r(void* bench, svBitVecVal* data) { at(bench).memory.copy_beat(data); }

void tessera_bench_host(void* bench, int* write_address, int* write_data, int* read_address) {
  const tessera::HostPort& host = at(bench).host;
  *write_address = host.write_address();
  *write_data = host.write_data();
  *read_address = host.read_address();
}

void tessera_bench_host_r(void* bench, int value) { at(bench).woken().host.read_data(value); }

void tessera_bench_commands(void* bench, int starts, int dones, const svBitVecVal* start_ids,
                            const svBitVecVal* done_ids) {
  at(bench).woken().observer.command_events(starts, dones, start_ids, done_ids);
}

void tessera_bench_units(void* bench, const svBitVecVal* ids, const svBitVecVal* states) {
  at(bench).woken().waves.units(ids, states);
}

}  // extern "C"

// SPDX-License-Identifier: Apache-2.0
//
// Waves under cocotb, whose main loop cannot dump a window: VPI callbacks dump after the evaluation of
// each clock edge of a cycle that the bench wants.
#include <vpi_user.h>

#include "bench.h"

using tessera::Bench;

namespace {

void call_back(PLI_INT32 reason, PLI_INT32 (*function)(s_cb_data*)) {
  s_vpi_time now{vpiSimTime, 0, 0, 0.0};
  s_cb_data data{};
  data.reason = reason;
  data.cb_rtn = function;
  data.time = &now;
  vpi_release_handle(vpi_register_cb(&data));
}

PLI_INT32 dump_falling_edge(s_cb_data*) {
  Bench::current()->waves.dump(2 * Bench::current()->cycles() + 1);
  return 0;
}

PLI_INT32 expect_falling_edge(s_cb_data*) {
  call_back(cbReadOnlySynch, dump_falling_edge);
  return 0;
}

PLI_INT32 dump_rising_edge(s_cb_data*) {
  Bench::current()->waves.dump(2 * Bench::current()->cycles());
  call_back(cbNextSimTime, expect_falling_edge);
  return 0;
}

// The one bench of this process dumps this way.
const bool installed = [] {
  Bench::current()->on_dump = [](Bench&) { call_back(cbReadOnlySynch, dump_rising_edge); };
  return true;
}();

}  // namespace

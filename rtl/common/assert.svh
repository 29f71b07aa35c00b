// SPDX-License-Identifier: Apache-2.0
//
// Assertion macros: one line per property, off with +define+ASSERTS_OFF.
`ifndef ASSERT_SVH
`define ASSERT_SVH
`ifdef ASSERTS_OFF
`define ASSERT(__name, __prop)
`else
`define ASSERT(__name, __prop) \
  __name: assert property (@(posedge clk_i) disable iff (!rst_ni) (__prop)) \
    else $error("[%m] %s violated", `"__name`");
`endif
`define ASSERT_STREAM(__name, __valid, __ready, __data) \
  `ASSERT(__name``Hold, (__valid) && !(__ready) |=> (__valid) && $stable(__data))
`endif

// SPDX-License-Identifier: Apache-2.0
//
// Error state, soft reset, completion and interrupt.
//
//   first error ─► sticky {cause, unit, id, info} ─► halt_o to all units ─► interrupt
//   soft reset  ─► halt_o ─► wait for a quiet bus ─► unit_rst_no low for a cycle ─► ready
//
// halt_o follows an error by one cycle, the watchdog by two. When several units report in one cycle, the lowest index of
// (dispatch, load, conv, vector, store) is kept.
`default_nettype none

`include "assert.svh"

module tessera_control
  import tessera_isa_pkg::*;
  import tessera_pkg::*;
(
  input  logic              clk_i,
  input  logic              rst_ni,
  // From the register block.
  input  logic              soft_reset_i,
  input  logic              irq_enable_i,
  input  logic              clear_done_i,
  input  logic              expired_i,      // watchdog
  input  logic   [    31:0] watchdog_i,     // its limit
  // From the dispatcher and the units.
  input  logic              stream_end_i,
  input  logic              bus_quiet_i,
  input  logic   [QUEUES:0] error_valid_i,  // index: Unit
  input  error_t [QUEUES:0] error_i,
  input  id_t    [QUEUES:0] id_i,
  input  wait_e  [QUEUES:0] state_i,
  // To everyone.
  output logic              halt_o,         // registered
  output logic              unit_rst_no,    // registered
  output logic              done_o,
  output logic              resetting_o,
  output logic              error_o,
  output unit_e             error_unit_o,
  output error_t            error_info_o,
  output logic              irq_o,
  output logic              moves_o         // state changes, needs clk_i
);

  logic done_q, resetting_q, unit_rst_nq;
  error_t error_d, error_q;
  unit_e unit_d, unit_q;
  logic expired_q;

  always_comb begin
    error_d = error_q;
    unit_d  = unit_q;
    if (error_q.cause == CAUSE_NONE) begin
      if (expired_q) begin
        // Blame the first unit that is stuck.
        unit_d  = UNIT_DISPATCH;
        error_d = '{cause: CAUSE_WATCHDOG, id: id_i[UNIT_DISPATCH], info: watchdog_i};
        for (int signed u = QUEUES - 1; u >= 0; u--) begin
          if (state_i[u] != WAIT_IDLE) begin
            unit_d     = unit_e'(u);
            error_d.id = id_i[u];
          end
        end
      end
      if (error_valid_i != '0) begin
        for (int signed u = QUEUES - 1; u >= 0; u--) begin
          if (error_valid_i[u]) begin
            unit_d  = unit_e'(u);
            error_d = error_i[u];
          end
        end
        if (error_valid_i[UNIT_DISPATCH]) begin
          unit_d  = UNIT_DISPATCH;
          error_d = error_i[UNIT_DISPATCH];
        end
      end
    end
    if (!unit_rst_nq) begin
      error_d = NO_ERROR;
      unit_d  = UNIT_LOAD;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      error_q     <= NO_ERROR;
      unit_q      <= UNIT_LOAD;
      done_q      <= 1'b0;
      resetting_q <= 1'b0;
      unit_rst_nq <= 1'b0;
      expired_q   <= 1'b0;
    end else begin
      error_q <= error_d;
      unit_q  <= unit_d;
      if (stream_end_i) done_q <= 1'b1;
      else if (clear_done_i || !unit_rst_nq) done_q <= 1'b0;
      if (soft_reset_i) resetting_q <= 1'b1;
      else if (!unit_rst_nq) resetting_q <= 1'b0;
      unit_rst_nq <= !(resetting_q && bus_quiet_i && unit_rst_nq);
      expired_q   <= expired_i;
    end
  end

  assign halt_o       = error_q.cause != CAUSE_NONE || resetting_q;
  assign unit_rst_no  = unit_rst_nq;
  assign done_o       = done_q;
  assign resetting_o  = resetting_q;
  assign error_o      = error_q.cause != CAUSE_NONE;
  assign error_unit_o = unit_q;
  assign error_info_o = error_q;
  assign irq_o        = irq_enable_i && (done_q || error_o);
  assign moves_o = error_valid_i != '0 || expired_i || expired_q || stream_end_i || clear_done_i
                   || soft_reset_i || resetting_q || !unit_rst_nq;

  ////////////////
  // Assertions //
  ////////////////

  `ASSERT(FirstErrorStays, error_o && unit_rst_no |=> error_o && $stable(error_q))
  `ASSERT(ErrorHalts, error_valid_i != '0 && unit_rst_no |=> halt_o)
  `ASSERT(NoEndAfterError, stream_end_i |-> !halt_o)
  `ASSERT(ResetOnlyWhenQuiet, $fell(unit_rst_no) |-> $past(bus_quiet_i))

endmodule

`default_nettype wire

// SPDX-License-Identifier: Apache-2.0
//
// Performance counters. They count from the first command word of a stream to its END, and hold
// until the next stream begins or clear_i. In every counted cycle exactly one ARRAY counter moves,
// so these sum to CYCLES.
`default_nettype none

`include "assert.svh"

module tessera_perf_counters
  import tessera_isa_pkg::*;
(
  input  logic                                  clk_i,
  input  logic                                  rst_ni,
  input  logic                                  clear_i,
  // Stream.
  input  logic                                  word_i,         // a command word arrives
  input  logic                                  stream_end_i,
  input  logic                                  abort_i,        // error or reset: stop counting
  // What happens in this cycle.
  input  array_cycle_e                          array_cycle_i,
  input  logic         [      QUEUES-1:0]       unit_busy_i,
  input  logic                                  read_beat_i,
  input  logic                                  write_beat_i,
  // Counters.
  output logic                                  counting_o,
  output logic         [            31:0]       cycles_o,
  output logic         [ARRAY_CYCLES-1:0][31:0] array_o,
  output logic         [      QUEUES-1:0][31:0] unit_busy_o,
  output logic         [            31:0]       read_beats_o,
  output logic         [            31:0]       write_beats_o
);

  logic running_q;
  logic [31:0] cycles_q, read_beats_q, write_beats_q;
  logic [ARRAY_CYCLES-1:0][31:0] array_q;
  logic [      QUEUES-1:0][31:0] unit_busy_q;

  assign counting_o    = running_q || word_i;
  assign cycles_o      = cycles_q;
  assign array_o       = array_q;
  assign unit_busy_o   = unit_busy_q;
  assign read_beats_o  = read_beats_q;
  assign write_beats_o = write_beats_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      running_q <= 1'b0;
    end else begin
      running_q <= counting_o && !stream_end_i && !abort_i;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      cycles_q      <= '0;
      array_q       <= '0;
      unit_busy_q   <= '0;
      read_beats_q  <= '0;
      write_beats_q <= '0;
    end else if (clear_i) begin
      // The first word of a stream may come right behind the clear: its cycle counts.
      cycles_q <= 32'(counting_o);
      array_q  <= '0;
      if (counting_o) array_q[array_cycle_i] <= 32'd1;
      unit_busy_q   <= '0;
      read_beats_q  <= '0;
      write_beats_q <= '0;
    end else if (counting_o) begin
      cycles_q               <= cycles_q + 32'd1;
      array_q[array_cycle_i] <= array_q[array_cycle_i] + 32'd1;
      for (int unsigned u = 0; u < QUEUES; u++) begin
        if (unit_busy_i[u]) unit_busy_q[u] <= unit_busy_q[u] + 32'd1;
      end
      if (read_beat_i) read_beats_q <= read_beats_q + 32'd1;
      if (write_beat_i) write_beats_q <= write_beats_q + 32'd1;
    end
  end

  ////////////////
  // Assertions //
  ////////////////

  function automatic logic [31:0] array_sum(logic [ARRAY_CYCLES-1:0][31:0] counters);
    array_sum = '0;
    for (int unsigned c = 0; c < ARRAY_CYCLES; c++) array_sum = array_sum + counters[c];
  endfunction

  `ASSERT(ArraySumsToCycles, array_sum(array_q) == cycles_q)
  `ASSERT(CauseIsCounted, 32'(array_cycle_i) < ARRAY_CYCLES)

endmodule

`default_nettype wire

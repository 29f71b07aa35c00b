// SPDX-License-Identifier: Apache-2.0
//
// Stops the clock of logic that has nothing to do, which saves power, and in simulation time: what
// depends on stopped registers only is not evaluated. The clock runs for one cycle after active_i
// falls, so that registered outputs come to rest.
//
//   clk_i      _/~\_/~\_/~\_/~\_/~\_/~\_
//   active_i   ______/~~~~~~~\__________     settled before clk_i rises
//   clk_o      _________/~\_/~\_/~\______
//
// Synthesis may map it to a clock gating cell.
`default_nettype none

module tessera_clock_gate (
  input  logic clk_i,
  input  logic rst_ni,
  input  logic active_i,
  output logic clk_o
);

  logic active_q, enable;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) active_q <= 1'b1;
    else active_q <= active_i;
  end

  always_latch begin
    if (!clk_i) enable = active_i || active_q;
  end

  assign clk_o = clk_i && enable;

endmodule

`default_nettype wire

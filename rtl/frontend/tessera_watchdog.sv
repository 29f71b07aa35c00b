// SPDX-License-Identifier: Apache-2.0
//
// Counts the cycles in which a busy accelerator makes no progress.
//
//   busy, no progress   _/~~~~~~~~~~~~~~~~~~\_
//   stuck_q              0  1  2 .. limit      0
//   expired_o           ______________/~~~~~\_
`default_nettype none

module tessera_watchdog (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic [31:0] limit_i,     // cycles; 0: never
  input  logic        busy_i,
  input  logic        progress_i,
  input  logic        halt_i,
  output logic        expired_o
);

  logic [31:0] stuck_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) stuck_q <= '0;
    else if (!busy_i || progress_i || halt_i) stuck_q <= '0;
    else stuck_q <= stuck_q + 32'd1;
  end

  assign expired_o = limit_i != '0 && stuck_q >= limit_i;

endmodule

`default_nettype wire

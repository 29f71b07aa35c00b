// SPDX-License-Identifier: Apache-2.0
//
// First-in first-out stream buffer. A beat written in one cycle can be read in the next.
// Throughput 1 beat per cycle; ready_o does not depend on ready_i.
`default_nettype none

`include "assert.svh"

module tessera_fifo
  import tessera_pkg::*;
#(
  parameter int unsigned Depth  = 4,     // a power of two
  parameter type         data_t = logic
) (
  input logic clk_i,
  input logic rst_ni,
  // From the producer.
  input logic valid_i,
  output logic ready_o,  // registered state only
  input data_t data_i,
  // To the consumer.
  output logic valid_o,  // registered state only
  input logic ready_i,
  output data_t data_o,
  // Beats held.
  output logic [idx_width(Depth):0] count_o
);

  localparam int unsigned IndexBits = idx_width(Depth);

  if (Depth < 2 || (Depth & (Depth - 1)) != 0) begin : gen_bad_depth
    $fatal(1, "Depth=%0d is not a power of two above 1", Depth);
  end

  data_t                 mem     [Depth];
  logic  [IndexBits-1:0] write_q;
  logic  [IndexBits-1:0] read_q;
  logic  [  IndexBits:0] count_q;
  logic                  push;
  logic                  pop;

  assign ready_o = count_q != (IndexBits + 1)'(Depth);
  assign valid_o = count_q != '0;
  assign data_o  = mem[read_q];
  assign count_o = count_q;
  assign push    = valid_i && ready_o;
  assign pop     = valid_o && ready_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      write_q <= '0;
      read_q  <= '0;
      count_q <= '0;
    end else begin
      if (push) write_q <= write_q + 1'b1;
      if (pop) read_q <= read_q + 1'b1;
      if (push != pop) count_q <= push ? count_q + 1'b1 : count_q - 1'b1;
    end
  end

  // The memory needs no reset: it is qualified by the count.
  always_ff @(posedge clk_i) begin
    if (push) mem[write_q] <= data_i;
  end

  ////////////////
  // Assertions //
  ////////////////

  `ASSERT(CountInRange, count_q <= (IndexBits + 1)'(Depth))
  `ASSERT_STREAM(Output, valid_o, ready_i, data_o)

endmodule

`default_nettype wire

// SPDX-License-Identifier: Apache-2.0
//
// Adds or multiplies two vectors of different scales (accel/numerics.py, `rescale_add` and
// `rescale_product`):
//
//   sum = (a - a_zp) * a_mult + (b - b_zp) * b_mult        or, with multiply_i,
//   sum = (a - a_zp) * (b - b_zp) * a_mult
//   y   = clip(((sum + (1 << (shift - 1))) >> shift) + zp, lo, hi)
//
// With bypass_i the result is a. One vector per cycle, latency 2; `tag` travels along.
`default_nettype none

`include "assert.svh"

module tessera_rescale_add
  import tessera_pkg::*;
#(
  parameter int unsigned Lanes = 16,
  parameter type         tag_t = logic
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  // In.
  input  logic               valid_i,
  input  logic               bypass_i,
  input  logic               multiply_i,
  input  logic signed [ 7:0] a_i     [Lanes],
  input  logic signed [ 7:0] b_i     [Lanes],
  input  logic signed [ 7:0] a_zp_i,
  input  logic signed [ 7:0] b_zp_i,
  input  logic signed [31:0] a_mult_i,
  input  logic signed [31:0] b_mult_i,
  input  logic        [ 5:0] shift_i,
  input  tail_t              tail_i,
  input  tag_t               tag_i,
  // Out, two cycles later.
  output logic               valid_o,
  output logic signed [ 7:0] data_o  [Lanes],
  output tag_t               tag_o
);

  localparam int unsigned SumBits = 50;  // two operands of 9 bits, a multiplier of 32

  logic valid1_q, valid2_q, bypass1_q;
  logic signed [SumBits-1:0] sum1_q   [Lanes];
  logic signed [ 7:0] a1_q     [Lanes];
  logic signed [ 7:0] data2_q  [Lanes];
  logic        [ 5:0] shift1_q;
  tail_t              tail1_q;
  tag_t tag1_q, tag2_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      valid1_q <= 1'b0;
      valid2_q <= 1'b0;
    end else begin
      valid1_q <= valid_i;
      valid2_q <= valid1_q;
    end
  end

  always_ff @(posedge clk_i) begin : p_sum
    logic signed [SumBits-1:0] sum[Lanes];
    if (valid_i) begin
      if (!bypass_i && !multiply_i) begin
        for (int unsigned i = 0; i < Lanes; i++) begin
          sum[i] = SumBits'(9'(a_i[i]) - 9'(a_zp_i)) * SumBits'(a_mult_i)
                 + SumBits'(9'(b_i[i]) - 9'(b_zp_i)) * SumBits'(b_mult_i);
        end
        sum1_q <= sum;
      end else if (!bypass_i) begin
        for (int unsigned i = 0; i < Lanes; i++) begin
          sum[i] = SumBits'(9'(a_i[i]) - 9'(a_zp_i)) * SumBits'(9'(b_i[i]) - 9'(b_zp_i))
                 * SumBits'(a_mult_i);
        end
        sum1_q <= sum;
      end
      a1_q      <= a_i;
      bypass1_q <= bypass_i;
      shift1_q  <= shift_i;
      tail1_q   <= tail_i;
      tag1_q    <= tag_i;
    end
  end

  always_ff @(posedge clk_i) begin : p_round
    logic signed [7:0] y[Lanes];
    if (valid1_q) begin
      if (bypass1_q) begin
        data2_q <= a1_q;
      end else begin
        for (int unsigned i = 0; i < Lanes; i++) begin
          y[i] = round_and_clip(64'(sum1_q[i]), shift1_q, tail1_q);
        end
        data2_q <= y;
      end
      tag2_q <= tag1_q;
    end
  end

  assign valid_o = valid2_q;
  assign data_o  = data2_q;
  assign tag_o   = tag2_q;

  ////////////////
  // Assertions //
  ////////////////

  `ASSERT(OneStageACycle, valid1_q |=> valid_o)

endmodule

`default_nettype wire

// SPDX-License-Identifier: Apache-2.0
//
// Fixed-point requantization of a vector (accel/numerics.py, `requantize`):
//
//   y = clip((((acc + bias) * multiplier + (1 << (shift - 1))) >> shift) + zp, lo, hi)
//
// acc + bias wraps at 32 bits, the product has 64; one rounding, half up. multiplier is 0 to 2^31 -
// 1, shift 1 to 62. With `twice_i` it rounds twice (`round_shift_twice`). One vector per cycle, latency 3; `tag` travels along.
`default_nettype none

`include "assert.svh"

module tessera_requantize
  import tessera_pkg::*;
#(
  parameter int unsigned Lanes = 16,
  parameter type         tag_t = logic
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  // In.
  input  logic               valid_i,
  input  logic signed [31:0] acc_i       [Lanes],
  input  logic signed [31:0] bias_i      [Lanes],
  input  logic        [31:0] multiplier_i[Lanes],
  input  logic        [ 5:0] shift_i     [Lanes],
  input  logic               twice_i,
  input  tail_t              tail_i,
  input  tag_t               tag_i,
  // Out, three cycles later.
  output logic               valid_o,
  output logic signed [ 7:0] data_o      [Lanes],
  output tag_t               tag_o
);

  logic valid1_q, valid2_q, valid3_q;
  logic signed [31:0] sum1_q       [Lanes];
  logic        [31:0] multiplier1_q[Lanes];
  logic        [ 5:0] shift1_q     [Lanes];
  logic signed [63:0] product2_q   [Lanes];
  logic        [ 5:0] shift2_q     [Lanes];
  logic signed [ 7:0] data3_q      [Lanes];
  tail_t tail1_q, tail2_q;
  logic twice1_q, twice2_q;
  tag_t tag1_q, tag2_q, tag3_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      valid1_q <= 1'b0;
      valid2_q <= 1'b0;
      valid3_q <= 1'b0;
    end else begin
      valid1_q <= valid_i;
      valid2_q <= valid1_q;
      valid3_q <= valid2_q;
    end
  end

  always_ff @(posedge clk_i) begin : p_sum
    logic signed [31:0] sum[Lanes];
    if (valid_i) begin
      for (int unsigned i = 0; i < Lanes; i++) sum[i] = acc_i[i] + bias_i[i];
      sum1_q        <= sum;
      multiplier1_q <= multiplier_i;
      shift1_q      <= shift_i;
      twice1_q      <= twice_i;
      tail1_q       <= tail_i;
      tag1_q        <= tag_i;
    end
  end

  always_ff @(posedge clk_i) begin : p_product
    logic signed [63:0] product[Lanes];
    if (valid1_q) begin
      for (int unsigned i = 0; i < Lanes; i++) begin
        product[i] = 64'(sum1_q[i]) * $signed({32'd0, multiplier1_q[i]});
      end
      product2_q <= product;
      shift2_q   <= shift1_q;
      twice2_q   <= twice1_q;
      tail2_q    <= tail1_q;
      tag2_q     <= tag1_q;
    end
  end

  always_ff @(posedge clk_i) begin : p_round
    logic signed [7:0] y[Lanes];
    if (valid2_q) begin
      if (twice2_q) begin
        for (int unsigned i = 0; i < Lanes; i++) begin
          y[i] = round_twice_and_clip(product2_q[i], shift2_q[i], tail2_q);
        end
      end else begin
        for (int unsigned i = 0; i < Lanes; i++) begin
          y[i] = round_and_clip(product2_q[i], shift2_q[i], tail2_q);
        end
      end
      data3_q <= y;
      tag3_q  <= tag2_q;
    end
  end

  assign valid_o = valid3_q;
  assign data_o  = data3_q;
  assign tag_o   = tag3_q;

  ////////////////
  // Assertions //
  ////////////////

  `ASSERT(OneStageACycle, valid2_q |=> valid_o)

endmodule

`default_nettype wire

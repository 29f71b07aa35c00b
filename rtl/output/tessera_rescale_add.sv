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
//
// With twice_i (`rescale_add_twice`) it only forms the sum that a requantizer then finishes, and which
// is there after one cycle:
//
//   sum = round_twice(((a - a_zp) << 20) * |a_mult|, 31 + a_shift), negated if a_mult < 0, + b's
//   sum = (a - a_zp) * (b - b_zp)                                           with multiply_i
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
  input  logic               twice_i,
  input  logic signed [ 7:0] a_i     [Lanes],
  input  logic signed [ 7:0] b_i     [Lanes],
  input  logic signed [ 7:0] a_zp_i,
  input  logic signed [ 7:0] b_zp_i,
  input  logic signed [31:0] a_mult_i,
  input  logic signed [31:0] b_mult_i,
  input  logic        [ 4:0] a_shift_i,
  input  logic        [ 4:0] b_shift_i,
  input  logic        [ 5:0] shift_i,
  input  tail_t              tail_i,
  input  tag_t               tag_i,
  // Out, one cycle later: the sum of twice_i.
  output logic               sum_valid_o,
  output logic signed [31:0] sum_o   [Lanes],
  output tag_t               sum_tag_o,
  // Out, two cycles later: the result without twice_i.
  output logic               valid_o,
  output logic signed [ 7:0] data_o  [Lanes],
  output tag_t               tag_o
);

  localparam int unsigned SumBits = 50;  // two operands of 9 bits, a multiplier of 32

  logic valid1_q, valid2_q, bypass1_q, twice1_q;
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
      valid2_q <= valid1_q && !twice1_q;
    end
  end

  // An operand of a sum that rounds twice: `product` is that with the multiplier's magnitude. The
  // 20 fractional bits shorten its first shift.
  function automatic logic signed [SumBits-1:0] scaled(logic signed [SumBits-1:0] product,
                                                       logic [4:0] shift, logic negate);
    logic signed [63:0] y;
    y = round_twice(64'(product) <<< 20, 6'd31 + 6'(shift));
    return SumBits'(negate ? -y : y);
  endfunction

  function automatic logic signed [SumBits-1:0] magnitude(logic signed [31:0] multiplier);
    logic signed [31:0] positive;
    positive = (multiplier < 0) ? -multiplier : multiplier;
    return SumBits'(positive);
  endfunction

  always_ff @(posedge clk_i) begin : p_sum
    logic signed [SumBits-1:0] sum[Lanes];
    if (valid_i) begin
      if (twice_i && !multiply_i) begin
        for (int unsigned i = 0; i < Lanes; i++) begin
          sum[i] = scaled(SumBits'(9'(a_i[i]) - 9'(a_zp_i)) * magnitude(a_mult_i), a_shift_i,
                          a_mult_i < 0) + scaled(
              SumBits'(9'(b_i[i]) - 9'(b_zp_i)) * magnitude(b_mult_i), b_shift_i, b_mult_i < 0);
        end
        sum1_q <= sum;
      end else if (!bypass_i && !multiply_i) begin
        for (int unsigned i = 0; i < Lanes; i++) begin
          sum[i] = SumBits'(9'(a_i[i]) - 9'(a_zp_i)) * SumBits'(a_mult_i)
                 + SumBits'(9'(b_i[i]) - 9'(b_zp_i)) * SumBits'(b_mult_i);
        end
        sum1_q <= sum;
      end else if (!bypass_i) begin
        for (int unsigned i = 0; i < Lanes; i++) begin
          sum[i] = SumBits'(9'(a_i[i]) - 9'(a_zp_i)) * SumBits'(9'(b_i[i]) - 9'(b_zp_i))
                 * (twice_i ? SumBits'(1) : SumBits'(a_mult_i));
        end
        sum1_q <= sum;
      end
      a1_q      <= a_i;
      bypass1_q <= bypass_i;
      twice1_q  <= twice_i;
      shift1_q  <= shift_i;
      tail1_q   <= tail_i;
      tag1_q    <= tag_i;
    end
  end

  always_ff @(posedge clk_i) begin : p_round
    logic signed [7:0] y[Lanes];
    if (valid1_q && !twice1_q) begin
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

  assign sum_valid_o = valid1_q && twice1_q;
  assign sum_tag_o   = tag1_q;

  always_comb begin
    for (int unsigned i = 0; i < Lanes; i++) sum_o[i] = 32'(sum1_q[i]);
  end

  assign valid_o = valid2_q;
  assign data_o  = data2_q;
  assign tag_o   = tag2_q;

  ////////////////
  // Assertions //
  ////////////////

  `ASSERT(OneStageACycle, valid1_q && !twice1_q |=> valid_o)

endmodule

`default_nettype wire

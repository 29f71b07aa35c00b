// SPDX-License-Identifier: Apache-2.0
//
// tessera_rescale_add with packed lanes; the tag is a number.
`default_nettype none

module rescale_add_harness
  import tessera_pkg::*;
#(
  parameter int unsigned Lanes = 8
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  input  logic                  valid_i,
  input  logic                  bypass_i,
  input  logic                  multiply_i,
  input  logic                  twice_i,
  input  logic [Lanes-1:0][7:0] a_i,
  input  logic [Lanes-1:0][7:0] b_i,
  input  logic [      7:0]      a_zp_i,
  input  logic [      7:0]      b_zp_i,
  input  logic [     31:0]      a_mult_i,
  input  logic [     31:0]      b_mult_i,
  input  logic [      4:0]      a_shift_i,
  input  logic [      4:0]      b_shift_i,
  input  logic [      5:0]      shift_i,
  input  logic [      2:0][7:0] tail_i,
  input  logic [     15:0]      tag_i,
  output logic                  sum_valid_o,
  output logic [Lanes-1:0][31:0] sum_o,
  output logic [     15:0]      sum_tag_o,
  output logic                  valid_o,
  output logic [Lanes-1:0][7:0] data_o,
  output logic [     15:0]      tag_o
);

  logic signed [7:0] a   [Lanes];
  logic signed [7:0] b   [Lanes];
  logic signed [7:0] data[Lanes];
  logic signed [31:0] sum[Lanes];

  always_comb begin
    for (int unsigned i = 0; i < Lanes; i++) begin
      a[i]      = a_i[i];
      b[i]      = b_i[i];
      data_o[i] = data[i];
      sum_o[i]  = sum[i];
    end
  end

  tessera_rescale_add #(
    .Lanes(Lanes),
    .tag_t(logic [15:0])
  ) i_rescale_add (
    .clk_i,
    .rst_ni,
    .valid_i,
    .bypass_i,
    .multiply_i,
    .twice_i,
    .a_i(a),
    .b_i(b),
    .a_zp_i(a_zp_i),
    .b_zp_i(b_zp_i),
    .a_mult_i(a_mult_i),
    .b_mult_i(b_mult_i),
    .a_shift_i,
    .b_shift_i,
    .shift_i,
    .tail_i(tail_t'(tail_i)),
    .tag_i,
    .sum_valid_o,
    .sum_o(sum),
    .sum_tag_o,
    .valid_o,
    .data_o(data),
    .tag_o
  );

endmodule

`default_nettype wire

// SPDX-License-Identifier: Apache-2.0
//
// tessera_requantize with packed lanes; the tag is a number.
`default_nettype none

module requantize_harness
  import tessera_pkg::*;
#(
  parameter int unsigned Lanes = 8
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,
  input  logic                   valid_i,
  input  logic [Lanes-1:0][31:0] acc_i,
  input  logic [Lanes-1:0][31:0] bias_i,
  input  logic [Lanes-1:0][31:0] multiplier_i,
  input  logic [Lanes-1:0][ 5:0] shift_i,
  input  logic                   twice_i,
  input  logic [      2:0][ 7:0] tail_i,
  input  logic [     15:0]       tag_i,
  output logic                   valid_o,
  output logic [Lanes-1:0][ 7:0] data_o,
  output logic [     15:0]       tag_o
);

  logic signed [31:0] acc       [Lanes];
  logic signed [31:0] bias      [Lanes];
  logic        [31:0] multiplier[Lanes];
  logic        [ 5:0] shift     [Lanes];
  logic signed [ 7:0] data      [Lanes];

  always_comb begin
    for (int unsigned i = 0; i < Lanes; i++) begin
      acc[i]        = acc_i[i];
      bias[i]       = bias_i[i];
      multiplier[i] = multiplier_i[i];
      shift[i]      = shift_i[i];
      data_o[i]     = data[i];
    end
  end

  tessera_requantize #(
    .Lanes(Lanes),
    .tag_t(logic [15:0])
  ) i_requantize (
    .clk_i,
    .rst_ni,
    .valid_i,
    .acc_i(acc),
    .bias_i(bias),
    .multiplier_i(multiplier),
    .shift_i(shift),
    .twice_i,
    .tail_i(tail_t'(tail_i)),
    .tag_i,
    .valid_o,
    .data_o(data),
    .tag_o
  );

endmodule

`default_nettype wire

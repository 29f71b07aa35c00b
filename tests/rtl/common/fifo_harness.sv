// SPDX-License-Identifier: Apache-2.0
//
// tessera_fifo of `Width` bits: a type parameter cannot be set from a test.
`default_nettype none

module fifo_harness #(
  parameter int unsigned Depth = 4,
  parameter int unsigned Width = 16
) (
  input  logic                                   clk_i,
  input  logic                                   rst_ni,
  input  logic                                   valid_i,
  output logic                                   ready_o,
  input  logic [                      Width-1:0] data_i,
  output logic                                   valid_o,
  input  logic                                   ready_i,
  output logic [                      Width-1:0] data_o,
  output logic [tessera_pkg::idx_width(Depth):0] count_o
);

  tessera_fifo #(
    .Depth (Depth),
    .data_t(logic [Width-1:0])
  ) i_fifo (
    .clk_i,
    .rst_ni,
    .valid_i,
    .ready_o,
    .data_i,
    .valid_o,
    .ready_i,
    .data_o,
    .count_o
  );

endmodule

`default_nettype wire

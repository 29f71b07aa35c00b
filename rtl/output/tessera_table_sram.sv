// SPDX-License-Identifier: Apache-2.0
//
// Tables of 256 entries that map any int8 value, taken as an unsigned byte, to another: the last
// step of the conv unit's and the vector unit's results.
//
//   conv unit    table, K indices ─► K results     in the same cycle: a flip-flop memory
//   vector unit  table, K indices ─► K results     with 2 * K read ports
//
// `table` 0 means none; t reads table t - 1.
`default_nettype none

`include "assert.svh"

module tessera_table_sram
  import tessera_isa_pkg::*;
  import tessera_pkg::*;
#(
  parameter int unsigned KLanes = 16,
  parameter int unsigned BusBytes = 16,
  parameter int unsigned Tables = 4,
  parameter int unsigned Readers = 2
) (
  input  logic                                        clk_i,
  input  logic                                        rst_ni,
  // From the load unit.
  input  logic                                        wr_req_i,
  input  addr_t                                       wr_addr_i,
  input  logic  [BusBytes-1:0][       7:0]            wr_data_i,
  // Look-ups.
  input  logic  [ Readers-1:0][       3:0]            table_i,
  input  logic  [ Readers-1:0][KLanes-1:0][7:0]       index_i,
  output logic  [ Readers-1:0][KLanes-1:0][7:0]       data_o
);

  localparam int unsigned Entries = Tables * TABLE_BYTES;
  localparam int unsigned EntryBits = $clog2(Entries);
  localparam int unsigned ByteBits = $clog2(BusBytes);

  typedef logic [EntryBits-1:0] entry_t;

  // A line is a bus beat.
  logic [BusBytes-1:0][7:0] line_q[Entries/BusBytes];

  always_ff @(posedge clk_i) begin
    if (wr_req_i) line_q[wr_addr_i[EntryBits-1:ByteBits]] <= wr_data_i;
  end

  function automatic logic [7:0] entry(entry_t at);
    return line_q[at[EntryBits-1:ByteBits]][at[ByteBits-1:0]];
  endfunction

  always_comb begin
    data_o = '0;
    for (int unsigned r = 0; r < Readers; r++) begin
      if (table_i[r] != '0) begin
        for (int unsigned k = 0; k < KLanes; k++) begin
          data_o[r][k] = entry(entry_t'({table_i[r] - 4'd1, index_i[r][k]}));
        end
      end
    end
  end

  ////////////////
  // Assertions //
  ////////////////

  `ASSERT(WriteInRange, wr_req_i |-> wr_addr_i < addr_t'(Entries))
  `ASSERT(BeatAligned, wr_req_i |-> wr_addr_i[$clog2(BusBytes)-1:0] == '0)

endmodule

`default_nettype wire

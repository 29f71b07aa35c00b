// SPDX-License-Identifier: Apache-2.0
//
// SRAM that the load unit fills by bus beats and one reader reads by words: weights (words of N
// bytes) and output parameters (words of one beat). One read and one write per cycle, always
// granted; read data comes one cycle after the request. A line is the wider of beat and word.
`default_nettype none

`include "assert.svh"

module tessera_line_sram
  import tessera_pkg::*;
#(
  parameter int unsigned BusBytes = 16,
  parameter int unsigned WordBytes = 16,
  parameter int unsigned Bytes = 65536
) (
  input  logic                       clk_i,
  input  logic                       rst_ni,
  // From the load unit.
  input  logic                       wr_req_i,
  input  addr_t                      wr_addr_i,
  input  logic  [ BusBytes-1:0][7:0] wr_data_i,
  // From the reader.
  input  logic                       rd_req_i,
  input  addr_t                      rd_addr_i,
  output logic  [WordBytes-1:0][7:0] rd_data_o
);

  localparam int unsigned LineBytes = (BusBytes > WordBytes) ? BusBytes : WordBytes;
  localparam int unsigned LineShift = $clog2(LineBytes);
  localparam int unsigned Lines = Bytes / LineBytes;
  localparam int unsigned LineBits = idx_width(Lines);
  localparam int unsigned Beats = LineBytes / BusBytes;
  localparam int unsigned Words = LineBytes / WordBytes;
  localparam int unsigned BeatBits = idx_width(Beats);
  localparam int unsigned WordBits = idx_width(Words);

  logic [Beats-1:0][BusBytes-1:0][7:0] mem[Lines];
  logic [Words-1:0][WordBytes-1:0][7:0] line_q;
  logic [WordBits-1:0] word_q;
  logic [BeatBits-1:0] beat;

  assign beat = (Beats > 1) ? wr_addr_i[$clog2(BusBytes)+:BeatBits] : '0;
  assign rd_data_o = line_q[word_q];

  always_ff @(posedge clk_i) begin
    if (wr_req_i) mem[wr_addr_i[LineShift+:LineBits]][beat] <= wr_data_i;
    if (rd_req_i) begin
      line_q <= mem[rd_addr_i[LineShift+:LineBits]];
      word_q <= (Words > 1) ? rd_addr_i[$clog2(WordBytes)+:WordBits] : '0;
    end
  end

  ////////////////
  // Assertions //
  ////////////////

  `ASSERT(WriteInRange, wr_req_i |-> wr_addr_i < addr_t'(Bytes))
  `ASSERT(BeatAligned, wr_req_i |-> wr_addr_i[$clog2(BusBytes)-1:0] == '0)
  `ASSERT(ReadInRange, rd_req_i |-> rd_addr_i < addr_t'(Bytes))

endmodule

`default_nettype wire

// SPDX-License-Identifier: Apache-2.0
//
// Activation SRAM: `Banks` banks of K-byte words, one read and one write port each, interleaved by
// word. Requests to different banks are served in the same cycle; in a bank the port with the lower
// index wins, the other holds its request. Read data comes one cycle after the grant.
//
//   gather port (conv):    up to GATHER_ROWS pairs of neighbouring words at once, first of all
//   word ports (K bytes):  residual > vector a > vector b             write: output > vector
//   beat ports (one bus beat: several banks, or part of a word):  store reads, load writes; last
//
// The users check addresses (SRAM_RANGE) before they ask; the words of a gather lie in different
// banks (rules of CONV), so that it is granted as a whole.
`default_nettype none

`include "assert.svh"

module tessera_act_sram
  import tessera_isa_pkg::*;
  import tessera_pkg::*;
#(
  parameter int unsigned KLanes = 16,
  parameter int unsigned BusBytes = 16,
  parameter int unsigned Bytes = 131072,
  parameter int unsigned Banks = 8,
  parameter int unsigned ReadPorts = 3,
  parameter int unsigned WritePorts = 2
) (
  input  logic                                    clk_i,
  input  logic                                    rst_ni,
  // Gather: for each row the word at gather_addr_i and its right neighbour.
  input  gather_mask_t                            gather_req_i,
  input  gather_addr_t                            gather_addr_i,
  output logic                                    gather_gnt_o,
  output logic  [KLanes-1:0][7:0]                 gather_data_o [GATHER_ROWS][2],
  // Word reads.
  input  logic  [ ReadPorts-1:0]                  rd_req_i,
  input  addr_t [ ReadPorts-1:0]                  rd_addr_i,
  output logic  [ ReadPorts-1:0]                  rd_gnt_o,
  output logic  [ ReadPorts-1:0][KLanes-1:0][7:0] rd_data_o,
  // Beat read (store unit).
  input  logic                                    beat_rd_req_i,
  input  addr_t                                   beat_rd_addr_i,
  output logic                                    beat_rd_gnt_o,
  output logic  [  BusBytes-1:0][       7:0]      beat_rd_data_o,
  // Word writes.
  input  logic  [WritePorts-1:0]                  wr_req_i,
  input  addr_t [WritePorts-1:0]                  wr_addr_i,
  input  logic  [WritePorts-1:0][KLanes-1:0][7:0] wr_data_i,
  output logic  [WritePorts-1:0]                  wr_gnt_o,
  // Beat write (load unit).
  input  logic                                    beat_wr_req_i,
  input  addr_t                                   beat_wr_addr_i,
  input  logic  [  BusBytes-1:0][       7:0]      beat_wr_data_i,
  output logic                                    beat_wr_gnt_o
);

  localparam int unsigned WordBits = $clog2(KLanes);
  localparam int unsigned BankBits = $clog2(Banks);
  localparam int unsigned Depth = Bytes / KLanes / Banks;
  localparam int unsigned RowBits = idx_width(Depth);
  // A beat covers BeatWords words, or a word covers WordBeats beats.
  localparam int unsigned BeatWords = (BusBytes > KLanes) ? BusBytes / KLanes : 1;
  localparam int unsigned WordBeats = (KLanes > BusBytes) ? KLanes / BusBytes : 1;
  localparam int unsigned PartBits = idx_width(WordBeats);
  localparam int unsigned PartBytes = KLanes / WordBeats;
  localparam int unsigned BusShift = $clog2(BusBytes);

  typedef logic [BankBits-1:0] bank_t;
  typedef logic [RowBits-1:0] row_t;
  typedef logic [KLanes-1:0][7:0] word_t;

  word_t mem[Banks][Depth];

  // Where a word lies.
  typedef struct packed {
    row_t  row;
    bank_t bank;
  } at_t;

  localparam int unsigned AtBits = $bits(at_t);

  at_t [GATHER_ROWS-1:0] gather_at;
  at_t [  ReadPorts-1:0] rd_at;
  at_t [ WritePorts-1:0] wr_at;
  at_t beat_rd_at, beat_wr_at;
  // Banks that the beats touch.
  logic [Banks-1:0] beat_rd_banks, beat_wr_banks;

  always_comb begin
    for (int unsigned r = 0; r < GATHER_ROWS; r++)
    gather_at[r] = gather_addr_i[r][WordBits+:AtBits];
    for (int unsigned p = 0; p < ReadPorts; p++) rd_at[p] = rd_addr_i[p][WordBits+:AtBits];
    for (int unsigned p = 0; p < WritePorts; p++) wr_at[p] = wr_addr_i[p][WordBits+:AtBits];
    beat_rd_at = beat_rd_addr_i[WordBits+:AtBits];
    beat_wr_at = beat_wr_addr_i[WordBits+:AtBits];
  end

  always_comb begin
    beat_rd_banks = '0;
    beat_wr_banks = '0;
    for (int unsigned w = 0; w < BeatWords; w++) begin
      beat_rd_banks[beat_rd_at.bank+bank_t'(w)] = 1'b1;
      beat_wr_banks[beat_wr_at.bank+bank_t'(w)] = 1'b1;
    end
  end

  ///////////
  // Reads //
  ///////////

  logic  [   Banks-1:0] rd_taken;
  row_t                 rd_row      [    Banks];
  word_t                rd_word     [    Banks];
  bank_t [GATHER_ROWS-1:0] gather_bank_q;
  bank_t [ReadPorts-1:0] rd_bank_q;
  bank_t                beat_bank_q;
  logic  [PartBits-1:0] beat_part_q;

  // The gather port comes first and never meets itself in a bank: it always gets its words.
  assign gather_gnt_o = 1'b1;

  always_comb begin
    at_t next;
    next     = '0;
    rd_taken = '0;
    for (int unsigned b = 0; b < Banks; b++) rd_row[b] = '0;
    for (int unsigned r = 0; r < GATHER_ROWS; r++) begin
      if (gather_req_i[r][0]) begin
        rd_taken[gather_at[r].bank] = 1'b1;
        rd_row[gather_at[r].bank]   = gather_at[r].row;
      end
      if (gather_req_i[r][1]) begin
        next                = gather_at[r] + AtBits'(1);
        rd_taken[next.bank] = 1'b1;
        rd_row[next.bank]   = next.row;
      end
    end
    for (int unsigned p = 0; p < ReadPorts; p++) begin
      rd_gnt_o[p] = rd_req_i[p] && !rd_taken[rd_at[p].bank];
      if (rd_gnt_o[p]) begin
        rd_taken[rd_at[p].bank] = 1'b1;
        rd_row[rd_at[p].bank]   = rd_at[p].row;
      end
    end
    beat_rd_gnt_o = beat_rd_req_i && (rd_taken & beat_rd_banks) == '0;
    if (beat_rd_gnt_o) begin
      for (int unsigned w = 0; w < BeatWords; w++) begin
        rd_taken[beat_rd_at.bank+bank_t'(w)] = 1'b1;
        rd_row[beat_rd_at.bank+bank_t'(w)]   = beat_rd_at.row;
      end
    end
  end

  for (genvar b = 0; b < Banks; b++) begin : gen_read
    word_t word_q;
    always_ff @(posedge clk_i) begin
      if (rd_taken[b]) word_q <= mem[b][rd_row[b]];
    end
    assign rd_word[b] = word_q;
  end

  always_ff @(posedge clk_i) begin
    for (int unsigned r = 0; r < GATHER_ROWS; r++) begin
      if (gather_req_i[r] != '0) gather_bank_q[r] <= gather_at[r].bank;
    end
    for (int unsigned p = 0; p < ReadPorts; p++) begin
      if (rd_gnt_o[p]) rd_bank_q[p] <= rd_at[p].bank;
    end
    if (beat_rd_gnt_o) begin
      beat_bank_q <= beat_rd_at.bank;
      beat_part_q <= (WordBeats > 1) ? beat_rd_addr_i[BusShift+:PartBits] : '0;
    end
  end

  always_comb begin
    for (int unsigned r = 0; r < GATHER_ROWS; r++) begin
      gather_data_o[r][0] = rd_word[gather_bank_q[r]];
      gather_data_o[r][1] = rd_word[bank_t'(gather_bank_q[r]+bank_t'(1))];
    end
    for (int unsigned p = 0; p < ReadPorts; p++) rd_data_o[p] = rd_word[rd_bank_q[p]];
  end

  if (BeatWords > 1) begin : gen_beat_of_words
    logic unused_part;
    assign unused_part = ^beat_part_q;
    always_comb begin
      for (int unsigned w = 0; w < BeatWords; w++) begin
        beat_rd_data_o[w*KLanes+:KLanes] = rd_word[beat_bank_q+bank_t'(w)];
      end
    end
  end else begin : gen_beat_in_word
    always_comb begin
      beat_rd_data_o = '0;
      for (int unsigned i = 0; i < WordBeats; i++) begin
        if (beat_part_q == PartBits'(i)) begin
          beat_rd_data_o = rd_word[beat_bank_q][i*BusBytes+:BusBytes];
        end
      end
    end
  end

  ////////////
  // Writes //
  ////////////

  logic [Banks-1:0] wr_taken;

  always_comb begin
    wr_taken = '0;
    for (int unsigned p = 0; p < WritePorts; p++) begin
      wr_gnt_o[p] = wr_req_i[p] && !wr_taken[wr_at[p].bank];
      if (wr_gnt_o[p]) wr_taken[wr_at[p].bank] = 1'b1;
    end
    beat_wr_gnt_o = beat_wr_req_i && (wr_taken & beat_wr_banks) == '0;
  end

  // What a granted beat writes: which parts of which words.
  word_t [BeatWords-1:0] beat_words;
  logic  [WordBeats-1:0] beat_parts;

  if (BeatWords > 1) begin : gen_split_beat
    assign beat_words = beat_wr_data_i;
    assign beat_parts = '1;
  end else begin : gen_repeat_beat
    assign beat_words = {WordBeats{beat_wr_data_i}};
    for (genvar i = 0; i < WordBeats; i++) begin : gen_part
      assign beat_parts[i] = (WordBeats == 1) || beat_wr_addr_i[BusShift+:PartBits] == PartBits'(i);
    end
  end

  // At most one writer per bank is granted.
  always_ff @(posedge clk_i) begin
    for (int unsigned p = 0; p < WritePorts; p++) begin
      if (wr_gnt_o[p]) mem[wr_at[p].bank][wr_at[p].row] <= wr_data_i[p];
    end
    if (beat_wr_gnt_o) begin
      for (int unsigned w = 0; w < BeatWords; w++) begin
        for (int unsigned i = 0; i < WordBeats; i++) begin
          if (beat_parts[i]) begin
            mem[beat_wr_at.bank+bank_t'(w)][beat_wr_at.row]
                [i*PartBytes+:PartBytes] <= beat_words[w][i*PartBytes+:PartBytes];
          end
        end
      end
    end
  end

  ////////////////
  // Assertions //
  ////////////////

  for (genvar r = 0; r < GATHER_ROWS; r++) begin : gen_gather_asserts
    for (genvar c = 0; c < 2; c++) begin : gen_word
      `ASSERT(GatherInRange,
              gather_req_i[r][c] |-> gather_addr_i[r] + addr_t'(c * KLanes) < addr_t'(Bytes))
      for (genvar other = 0; other < r; other++) begin : gen_row
        for (genvar column = 0; column < 2; column++) begin : gen_column
          `ASSERT(GatherApart,
                  gather_req_i[r][c] && gather_req_i[other][column] |->
                  gather_at[r].bank + bank_t'(c) != gather_at[other].bank + bank_t'(column))
        end
      end
    end
  end
  for (genvar p = 0; p < ReadPorts; p++) begin : gen_read_asserts
    `ASSERT(ReadInRange, rd_req_i[p] |-> rd_addr_i[p] < addr_t'(Bytes))
  end
  for (genvar p = 0; p < WritePorts; p++) begin : gen_write_asserts
    `ASSERT(WriteInRange, wr_req_i[p] |-> wr_addr_i[p] < addr_t'(Bytes))
  end
  `ASSERT(BeatReadInRange, beat_rd_req_i |-> beat_rd_addr_i < addr_t'(Bytes))
  `ASSERT(BeatWriteInRange, beat_wr_req_i |-> beat_wr_addr_i < addr_t'(Bytes))

endmodule

`default_nettype wire

// SPDX-License-Identifier: Apache-2.0
//
// Two halves of N-lane int32 sums. The array adds to one half while the output stage reads the
// other.
//
//   S1   entry named        S2   read the old sum        S3   add, write back
//
// One pixel per cycle. Two passes over the same entry must be at least two cycles apart; the K
// cycles that a weight tile takes ensure it. Sums wrap at 32 bits.
`default_nettype none

`include "assert.svh"

module tessera_accumulator #(
  parameter int unsigned NLanes = 16,
  parameter int unsigned EntryBits = 8
) (
  input logic clk_i,
  input logic rst_ni,
  // S1: which entry.
  input logic s1_valid_i,
  input logic s1_half_i,
  input logic [EntryBits-1:0] s1_entry_i,
  input logic s1_start_i,
  input logic s1_end_i,
  // S3: what to add.
  input logic s3_valid_i,
  input logic signed [31:0] s3_sums_i[NLanes],
  output logic s3_end_o,  // the sums of an n-block (or chunk) are complete
  // Output stage: data one cycle after the request.
  input logic rd_req_i,
  input logic rd_half_i,
  input logic [EntryBits-1:0] rd_entry_i,
  output logic signed [31:0] rd_sums_o[NLanes]
);

  localparam int unsigned Entries = 1 << EntryBits;

  // An entry is one packed word, so that it is read and written as a whole.
  logic [NLanes-1:0][31:0] mem[2][Entries];
  logic [NLanes-1:0][31:0] old_q;
  logic signed [31:0] rd_sums_q[NLanes];
  logic s2_valid_q, s2_half_q, s2_start_q, s2_end_q;
  logic s3_half_q, s3_start_q, s3_end_q;
  logic [EntryBits-1:0] s2_entry_q, s3_entry_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      s2_valid_q <= 1'b0;
      s2_end_q   <= 1'b0;
      s3_end_q   <= 1'b0;
    end else begin
      s2_valid_q <= s1_valid_i;
      s2_end_q   <= s1_end_i;
      s3_end_q   <= s2_end_q;
    end
  end

  always_ff @(posedge clk_i) begin
    if (s1_valid_i) begin
      s2_half_q  <= s1_half_i;
      s2_entry_q <= s1_entry_i;
      s2_start_q <= s1_start_i;
    end
    if (s2_valid_q) begin
      s3_half_q  <= s2_half_q;
      s3_entry_q <= s2_entry_q;
      s3_start_q <= s2_start_q;
      if (!s2_start_q) old_q <= mem[s2_half_q][s2_entry_q];
    end
  end

  always_ff @(posedge clk_i) begin : p_add
    logic [NLanes-1:0][31:0] sums;
    if (s3_valid_i) begin
      if (s3_start_q) begin
        for (int unsigned n = 0; n < NLanes; n++) sums[n] = s3_sums_i[n];
      end else begin
        for (int unsigned n = 0; n < NLanes; n++) sums[n] = old_q[n] + s3_sums_i[n];
      end
      mem[s3_half_q][s3_entry_q] <= sums;
    end
  end

  always_ff @(posedge clk_i) begin : p_read
    logic signed [31:0] sums[NLanes];
    if (rd_req_i) begin
      for (int unsigned n = 0; n < NLanes; n++) sums[n] = mem[rd_half_i][rd_entry_i][n];
      rd_sums_q <= sums;
    end
  end

  assign s3_end_o  = s3_end_q;
  assign rd_sums_o = rd_sums_q;

  ////////////////
  // Assertions //
  ////////////////

  `ASSERT(
      NoReadWhileWritten,
      s2_valid_q && s3_valid_i && {s2_half_q, s2_entry_q} == {s3_half_q, s3_entry_q} |-> s2_start_q)
  `ASSERT(EndWithPixel, s1_end_i |-> s1_valid_i)
  `ASSERT(SumsMeetTheirEntry, s3_end_q |-> s3_valid_i)
  `ASSERT(HalvesApart, rd_req_i && s3_valid_i |-> rd_half_i != s3_half_q)

endmodule

`default_nettype wire

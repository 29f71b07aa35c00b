// SPDX-License-Identifier: Apache-2.0
//
// Walks finished accumulator halves, one word of K channels per cycle: reads the sums, asks for the
// residual word, and names the address that the result goes to.
//
//   group ready (sums complete) and record loaded ─► take ─► word, word, ... ─► half free
//
// One cycle per word and one per n-block; waits only for the residual's SRAM bank. A chunk that
// keeps its sums (last = 0) passes as one word that writes nothing, so commands complete in order.
`default_nettype none

`include "assert.svh"

module tessera_drain_walker
  import tessera_isa_pkg::*;
  import tessera_pkg::*;
  import tessera_conv_pkg::*;
#(
  parameter int unsigned KLanes = 16,
  parameter int unsigned NLanes = 16,
  parameter int unsigned ActBytes = 131072,
  parameter int unsigned EntryBits = 8,
  localparam int unsigned WordsPerVector = NLanes / KLanes,
  localparam int unsigned PartBits = idx_width(WordsPerVector)
) (
  input  logic                       clk_i,
  input  logic                       rst_ni,
  input  logic                       halt_i,
  // From issue.
  input  logic                       valid_i,
  output logic                       ready_o,
  input  drain_job_t                 job_i,
  // From the array: an n-block's (or chunk's) sums are complete.
  input  logic                       group_end_i,
  // Parameters.
  input  logic                       params_loaded_i,
  output logic                       params_take_o,
  // Accumulators: data in the next cycle.
  output logic                       acc_rd_req_o,
  output logic                       acc_rd_half_o,
  output logic       [EntryBits-1:0] acc_rd_entry_o,
  output logic                       half_free_o,      // this half may be used again
  output logic                       half_o,
  // Residual words: data in the cycle after the grant.
  output logic                       res_rd_req_o,
  output addr_t                      res_rd_addr_o,
  input  logic                       res_rd_gnt_i,
  // To the output stage: the word whose data come in the next cycle.
  output logic                       word_valid_o,
  output logic       [ PartBits-1:0] word_part_o,
  output word_tag_t                  word_tag_o,
  output logic                       busy_o,
  output logic                       moves_o,          // state changes, needs clk_i
  output logic                       error_valid_o,
  output error_t                     error_o
);

  typedef enum logic [1:0] {
    StWait,    // no complete sums
    StStream,  // a word per cycle
    StChunk    // pass a chunk without output
  } state_e;

  state_e state_d, state_q;
  logic head_valid, head_pop, fresh_q, stopped_q, half_q;
  drain_job_t       j;
  logic       [2:0] unused_count;
  logic       [2:0] groups_q;
  logic [11:0] n_q, oy_q, ox_q;
  logic [ PartBits-1:0] part_q;
  logic [EntryBits-1:0] entry_q;
  place_t out_addr, res_addr;

  tessera_fifo #(
    .Depth (4),
    .data_t(drain_job_t)
  ) i_jobs (
    .clk_i,
    .rst_ni,
    .valid_i,
    .ready_o,
    .data_i (job_i),
    .valid_o(head_valid),
    .ready_i(head_pop),
    .data_o (j),
    .count_o(unused_count)
  );

  logic word_end, row_end, tile_end, job_end, in_range, want, fire, start;

  assign word_end = part_q == PartBits'(WordsPerVector - 1);
  assign row_end = ox_q + 12'd1 == j.out_w;
  assign tile_end = row_end && oy_q + 12'd1 == j.out_h;
  assign job_end = word_end && tile_end && n_q + 12'd1 == j.n_blocks;
  assign in_range = out_addr < place_t'(ActBytes)
                    && (!j.rule.residual || res_addr < place_t'(ActBytes));
  assign want = state_q == StStream && !halt_i && !stopped_q;
  assign fire = want && in_range && (!j.rule.residual || res_rd_gnt_i);
  assign start    = state_q == StWait && head_valid && groups_q != '0 && !halt_i
                    && (!j.last || params_loaded_i);

  assign params_take_o = start && j.last;
  assign acc_rd_req_o = fire;
  assign acc_rd_half_o = half_q;
  assign acc_rd_entry_o = entry_q;
  assign half_free_o = fire && word_end && tile_end;
  assign half_o = half_q;
  assign res_rd_req_o = want && in_range && j.rule.residual;
  assign res_rd_addr_o  = addr_t'(res_addr);
  assign head_pop = (fire && job_end) || state_q == StChunk;
  assign word_valid_o = fire || state_q == StChunk;
  assign word_part_o = part_q;
  assign word_tag_o = '{
          write: state_q == StStream,
          done: head_pop,
          id: j.id,
    addr: addr_t'(out_addr),
          rule: j.rule
      };
  assign busy_o = head_valid;
  assign moves_o = valid_i || group_end_i || start || state_q != StWait;
  assign error_valid_o = want && !in_range;

  always_comb begin
    error_o = NO_ERROR;
    if (error_valid_o) begin
      error_o = '{
          cause: CAUSE_SRAM_RANGE,
          id: j.id,
          info: 32'((out_addr < place_t'(ActBytes)) ? res_addr : out_addr)
      };
    end
  end

  always_comb begin
    state_d = state_q;
    unique case (state_q)
      StWait:   if (start) state_d = j.last ? StStream : StChunk;
      StStream: if (fire && word_end && tile_end) state_d = StWait;
      StChunk:  state_d = StWait;
      default:  state_d = StWait;
    endcase
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q   <= StWait;
      fresh_q   <= 1'b1;
      stopped_q <= 1'b0;
      half_q    <= 1'b0;
      groups_q  <= '0;
    end else begin
      state_q <= state_d;
      if (error_valid_o) stopped_q <= 1'b1;
      if (head_pop) fresh_q <= 1'b1;
      else if (start) fresh_q <= 1'b0;
      if (half_free_o) half_q <= !half_q;
      groups_q <= groups_q + 3'(group_end_i) - 3'(start);
    end
  end

  // Positions need no reset: they are set at the start of a job.
  always_ff @(posedge clk_i) begin
    if (start) begin
      oy_q    <= '0;
      ox_q    <= '0;
      part_q  <= '0;
      entry_q <= '0;
      n_q     <= fresh_q ? '0 : n_q + 12'd1;
    end else if (fire) begin
      part_q <= word_end ? '0 : part_q + 1'b1;
      if (word_end) begin
        entry_q <= entry_q + 1'b1;
        ox_q    <= row_end ? '0 : ox_q + 12'd1;
        if (row_end) oy_q <= oy_q + 12'd1;
      end
    end
  end

  tessera_plane_walker #(
    .WordsPerVector(WordsPerVector)
  ) i_out (
    .clk_i,
    .load_i(start && fresh_q),
    .base_i(j.out_addr),
    .plane_i(j.out_plane),
    .pitch_i(j.out_pitch),
    .pixel_i(j.out_step),
    .step_i(fire),
    .word_end_i(word_end),
    .row_end_i(row_end),
    .tile_end_i(tile_end),
    .addr_o(out_addr)
  );

  tessera_plane_walker #(
    .WordsPerVector(WordsPerVector)
  ) i_res (
    .clk_i,
    .load_i(start && fresh_q),
    .base_i(j.res_addr),
    .plane_i(j.res_plane),
    .pitch_i(j.res_pitch),
    .pixel_i(20'(KLanes)),
    .step_i(fire),
    .word_end_i(word_end),
    .row_end_i(row_end),
    .tile_end_i(tile_end),
    .addr_o(res_addr)
  );

  ////////////////
  // Assertions //
  ////////////////

  `ASSERT(GroupsInRange, groups_q <= 3'd4)
  `ASSERT(GroupHasJob, groups_q != '0 |-> head_valid)
  `ASSERT(EntryInHalf, fire && word_end && !tile_end |-> entry_q != '1)
  `ASSERT(NoWordInHalt, halt_i |-> !fire)

endmodule

`default_nettype wire

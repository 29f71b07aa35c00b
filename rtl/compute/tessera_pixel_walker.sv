// SPDX-License-Identifier: Apache-2.0
//
// Streams activations into the array: for each n-block, kernel row, kernel column and channel block
// (a pass, one weight tile) all pixels of the output tile. One pixel per cycle; no bubble between
// passes, n-blocks and jobs. Pixels outside of the input are injected as in_zp and need no SRAM.
//
//   cycle      c        c+1            c+2           c+3
//              S0       S1             S2            S3
//              address  data, swap     dot product   accumulate
//
// A pixel starts when its weight tile is loaded (first pixel of a pass), its accumulator half is
// free (first pixel of an n-block) and the SRAM grants the read. From then on nothing stalls it.
`default_nettype none

`include "assert.svh"

module tessera_pixel_walker
  import tessera_isa_pkg::*;
  import tessera_pkg::*;
  import tessera_conv_pkg::*;
#(
  parameter int unsigned KLanes = 16,
  parameter int unsigned ActBytes = 131072,
  parameter int unsigned EntryBits = 8
) (
  input  logic                         clk_i,
  input  logic                         rst_ni,
  input  logic                         halt_i,
  // From issue.
  input  logic                         valid_i,
  output logic                         ready_o,
  input  pixel_job_t                   job_i,
  // Weight walker.
  input  logic                         loaded_i,
  output logic                         swap_o,         // comb. from act_rd_gnt_i
  // Accumulator halves.
  input  logic         [          1:0] half_busy_i,
  output logic                         half_claim_o,   // this half is taken from now on
  output logic                         half_o,
  // ACT SRAM.
  output logic                         act_rd_req_o,
  output addr_t                        act_rd_addr_o,
  input  logic                         act_rd_gnt_i,
  // S1: beside the SRAM's data.
  output logic                         s1_valid_o,
  output logic                         s1_swap_o,
  output logic                         s1_pad_o,
  output logic signed  [          7:0] s1_zp_o,
  output logic                         s1_half_o,
  output logic         [EntryBits-1:0] s1_entry_o,
  output logic                         s1_start_o,     // write the sum instead of adding
  output logic                         s1_end_o,       // last pixel of an n-block (or of a chunk)
  // Status.
  output logic                         busy_o,
  output id_t                          id_o,
  output array_cycle_e                 cycle_o,        // meaningful while busy_o
  output logic                         error_valid_o,
  output error_t                       error_o
);

  // Loop position.
  logic busy_q, stopped_q, half_q;
  pixel_job_t j_q, next;
  logic next_valid, next_take;
  logic [1:0] unused_count;
  logic [11:0] n_q, cb_q, oy_q, ox_q;
  logic [7:0] ky_q, kx_q;
  logic [EntryBits-1:0] entry_q;
  pos_t at_n_q, at_ky_q, at_kx_q, at_cb_q, at_oy_q, at_q;
  coord_t iy_ky_q, iy_q, ix_kx_q, ix_q;

  tessera_fifo #(
    .Depth (2),
    .data_t(pixel_job_t)
  ) i_jobs (
    .clk_i,
    .rst_ni,
    .valid_i,
    .ready_o,
    .data_i (job_i),
    .valid_o(next_valid),
    .ready_i(next_take),
    .data_o (next),
    .count_o(unused_count)
  );

  ////////
  // S0 //
  ////////

  logic row_end, pass_end, cb_end, kx_end, n_end, job_end;
  logic pass_start, n_start, first_pass;
  logic present, in_range, weight_wait, acc_wait, want, fire;

  assign row_end = ox_q + 12'd1 == j_q.out_w;
  assign pass_end = row_end && oy_q + 12'd1 == j_q.out_h;
  assign cb_end = cb_q + 12'd1 == j_q.cin_blocks;
  assign kx_end = cb_end && kx_q + 8'd1 == j_q.kernel_w;
  assign n_end = kx_end && ky_q + 8'd1 == j_q.kernel_h;
  assign job_end = pass_end && n_end && n_q + 12'd1 == j_q.n_blocks;
  assign pass_start = entry_q == '0;
  assign first_pass = cb_q == '0 && kx_q == '0 && ky_q == '0 && j_q.first;
  assign n_start = pass_start && first_pass;

  assign present = iy_q >= 0 && iy_q < coord_t'({8'd0, j_q.in_h})
               && ix_q >= 0 && ix_q < coord_t'({8'd0, j_q.in_w});
  assign in_range = at_q >= 0 && at_q < pos_t'(ActBytes);
  assign weight_wait = pass_start && !loaded_i;
  assign acc_wait = n_start && half_busy_i[half_q];
  assign want = busy_q && !halt_i && !stopped_q && !weight_wait && !acc_wait;

  assign act_rd_req_o = want && present && in_range;
  assign act_rd_addr_o = addr_t'(at_q);
  assign fire = want && (present ? act_rd_req_o && act_rd_gnt_i : 1'b1);
  assign swap_o = fire && pass_start;
  assign half_claim_o = fire && n_start;
  assign half_o = half_q;

  assign error_valid_o = want && present && !in_range;
  assign error_o = '{cause: CAUSE_SRAM_RANGE, id: j_q.id, info: 32'(at_q)};

  assign next_take = next_valid && (!busy_q || (fire && job_end));

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q    <= 1'b0;
      stopped_q <= 1'b0;
      half_q    <= 1'b0;
    end else begin
      if (error_valid_o) stopped_q <= 1'b1;
      if (next_take) busy_q <= 1'b1;
      else if (fire && job_end) busy_q <= 1'b0;
      if (fire && pass_end && n_end && j_q.last) half_q <= !half_q;
    end
  end

  // The position needs no reset: it is loaded with the job.
  always_ff @(posedge clk_i) begin
    if (next_take) begin
      j_q     <= next;
      n_q     <= '0;
      ky_q    <= '0;
      kx_q    <= '0;
      cb_q    <= '0;
      oy_q    <= '0;
      ox_q    <= '0;
      entry_q <= '0;
      at_n_q  <= next.base;
      at_ky_q <= next.base;
      at_kx_q <= next.base;
      at_cb_q <= next.base;
      at_oy_q <= next.base;
      at_q    <= next.base;
      iy_ky_q <= next.iy;
      iy_q    <= next.iy;
      ix_kx_q <= next.ix;
      ix_q    <= next.ix;
    end else if (fire) begin
      if (!row_end) begin
        ox_q    <= ox_q + 12'd1;
        entry_q <= entry_q + 1'b1;
        at_q    <= at_q + j_q.step_x;
        ix_q    <= ix_q + coord_t'({16'd0, j_q.stride_x});
      end else if (!pass_end) begin
        ox_q    <= '0;
        oy_q    <= oy_q + 12'd1;
        entry_q <= entry_q + 1'b1;
        at_oy_q <= at_oy_q + j_q.step_y;
        at_q    <= at_oy_q + j_q.step_y;
        iy_q    <= iy_q + coord_t'({16'd0, j_q.stride_y});
        ix_q    <= ix_kx_q;
      end else begin
        ox_q    <= '0;
        oy_q    <= '0;
        entry_q <= '0;
        if (!cb_end) begin
          cb_q    <= cb_q + 12'd1;
          at_cb_q <= at_cb_q + j_q.step_cb;
          at_oy_q <= at_cb_q + j_q.step_cb;
          at_q    <= at_cb_q + j_q.step_cb;
          iy_q    <= iy_ky_q;
          ix_q    <= ix_kx_q;
        end else if (!kx_end) begin
          cb_q    <= '0;
          kx_q    <= kx_q + 8'd1;
          at_kx_q <= at_kx_q + j_q.step_kx;
          at_cb_q <= at_kx_q + j_q.step_kx;
          at_oy_q <= at_kx_q + j_q.step_kx;
          at_q    <= at_kx_q + j_q.step_kx;
          iy_q    <= iy_ky_q;
          ix_kx_q <= ix_kx_q + coord_t'({14'd0, j_q.dilation_x});
          ix_q    <= ix_kx_q + coord_t'({14'd0, j_q.dilation_x});
        end else if (!n_end) begin
          cb_q    <= '0;
          kx_q    <= '0;
          ky_q    <= ky_q + 8'd1;
          at_ky_q <= at_ky_q + j_q.step_ky;
          at_kx_q <= at_ky_q + j_q.step_ky;
          at_cb_q <= at_ky_q + j_q.step_ky;
          at_oy_q <= at_ky_q + j_q.step_ky;
          at_q    <= at_ky_q + j_q.step_ky;
          iy_ky_q <= iy_ky_q + coord_t'({14'd0, j_q.dilation_y});
          iy_q    <= iy_ky_q + coord_t'({14'd0, j_q.dilation_y});
          ix_kx_q <= j_q.ix;
          ix_q    <= j_q.ix;
        end else begin
          cb_q    <= '0;
          kx_q    <= '0;
          ky_q    <= '0;
          n_q     <= n_q + 12'd1;
          at_n_q  <= at_n_q + j_q.step_n;
          at_ky_q <= at_n_q + j_q.step_n;
          at_kx_q <= at_n_q + j_q.step_n;
          at_cb_q <= at_n_q + j_q.step_n;
          at_oy_q <= at_n_q + j_q.step_n;
          at_q    <= at_n_q + j_q.step_n;
          iy_ky_q <= j_q.iy;
          iy_q    <= j_q.iy;
          ix_kx_q <= j_q.ix;
          ix_q    <= j_q.ix;
        end
      end
    end
  end

  ////////
  // S1 //
  ////////

  logic s1_valid_q, s1_swap_q, s1_pad_q, s1_half_q, s1_start_q, s1_end_q;
  logic signed [7:0]    s1_zp_q;
  logic [EntryBits-1:0] s1_entry_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) s1_valid_q <= 1'b0;
    else s1_valid_q <= fire;
  end

  always_ff @(posedge clk_i) begin
    if (fire) begin
      s1_swap_q  <= pass_start;
      s1_pad_q   <= !present;
      s1_zp_q    <= j_q.in_zp;
      s1_half_q  <= half_q;
      s1_entry_q <= entry_q;
      s1_start_q <= first_pass;
      s1_end_q   <= pass_end && n_end;
    end
  end

  assign s1_valid_o = s1_valid_q;
  assign s1_swap_o  = s1_valid_q && s1_swap_q;
  assign s1_pad_o   = s1_pad_q;
  assign s1_zp_o    = s1_zp_q;
  assign s1_half_o  = s1_half_q;
  assign s1_entry_o = s1_entry_q;
  assign s1_start_o = s1_start_q;
  assign s1_end_o   = s1_valid_q && s1_end_q;

  ////////////
  // Status //
  ////////////

  assign busy_o = busy_q || next_valid;
  assign id_o   = busy_q ? j_q.id : next.id;

  always_comb begin
    cycle_o = CYCLE_ISSUE;
    if (!busy_q) cycle_o = CYCLE_ISSUE;
    else if (fire) cycle_o = CYCLE_BUSY;
    else if (acc_wait) cycle_o = CYCLE_ACCUMULATOR;
    else if (weight_wait) cycle_o = CYCLE_WEIGHT;
    else if (act_rd_req_o) cycle_o = CYCLE_ACTIVATION;
  end

  ////////////////
  // Assertions //
  ////////////////

  `ASSERT(EntryInHalf, fire && !pass_end |-> entry_q != '1)
  `ASSERT(NoPixelInHalt, halt_i |-> !fire)
  `ASSERT(WordAligned, act_rd_req_o |-> act_rd_addr_o[$clog2(KLanes)-1:0] == '0)
  `ASSERT(RequestHold,
          act_rd_req_o && !act_rd_gnt_i && !halt_i |=> halt_i || (act_rd_req_o && $stable
          (act_rd_addr_o)))

endmodule

`default_nettype wire

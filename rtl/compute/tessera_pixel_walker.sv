// SPDX-License-Identifier: Apache-2.0
//
// Streams activations into the array: for each n-block, kernel row, kernel column and channel block
// (a pass, one weight tile) all pixels of the output tile. In DEPTHWISE and FOLD modes a pass is
// some kernel rows at once (tessera_gather). One pixel per cycle; no bubble between passes,
// n-blocks and jobs, but a depthwise row begins with `fill` reads that bring no pixel. What is
// outside of the input is injected as in_zp and needs no SRAM.
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
  output gather_mask_t                 act_rd_req_o,
  output gather_addr_t                 act_rd_addr_o,
  input  logic                         act_rd_gnt_i,
  // S1: beside the SRAM's data.
  output logic                         s1_data_o,      // words for the operand
  output feed_t                        s1_feed_o,
  output logic                         s1_valid_o,     // with them, a pixel is complete
  output logic                         s1_swap_o,
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
  logic [7:0] row_q, offset_q;  // first kernel row of the pass; FOLD: its byte on lane 0
  logic [6:0] fill_q;           // DEPTHWISE: reads left before the row's first pixel
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

  logic filling, row_end, pass_end, cb_end, kx_end, n_end, job_end;
  logic pass_start, n_start, first_pass;
  logic in_range, weight_wait, acc_wait, want, read, fire, emit;
  gather_mask_t present;
  pos_t bad;
  feed_t feed;

  assign filling = fill_q != '0;
  assign row_end = !filling && ox_q + 12'd1 == j_q.out_w;
  assign pass_end = row_end && oy_q + 12'd1 == j_q.out_h;
  assign cb_end = cb_q + 12'd1 == j_q.cin_blocks;
  assign kx_end = cb_end && kx_q + 8'd1 == j_q.steps_w;
  assign n_end = kx_end && ky_q + 8'd1 == j_q.steps_h;
  assign job_end = pass_end && n_end && n_q + 12'd1 == j_q.n_blocks;
  assign pass_start = entry_q == '0 && !filling;
  assign first_pass = cb_q == '0 && kx_q == '0 && ky_q == '0 && j_q.first;
  assign n_start = pass_start && first_pass;

  tessera_gather #(
    .KLanes  (KLanes),
    .ActBytes(ActBytes)
  ) i_gather (
    .job_i     (j_q),
    .at_i      (at_q),
    .iy_i      (iy_q),
    .ix_i      (ix_q),
    .row_i     (row_q),
    .offset_i  (offset_q),
    .two_i     (j_q.mode == MODE_DEPTHWISE && (filling || j_q.stride_x == 8'd2)),
    .present_o (present),
    .addr_o    (act_rd_addr_o),
    .in_range_o(in_range),
    .bad_o     (bad),
    .feed_o    (feed)
  );

  assign weight_wait = pass_start && !loaded_i;
  assign acc_wait = n_start && half_busy_i[half_q];
  assign want = busy_q && !halt_i && !stopped_q && !weight_wait && !acc_wait;

  assign read = want && present != '0 && in_range;
  assign act_rd_req_o = read ? present : '0;
  assign fire = want && in_range && (!read || act_rd_gnt_i);
  assign emit = fire && !filling;
  assign swap_o = emit && pass_start;
  assign half_claim_o = emit && n_start;
  assign half_o = half_q;

  assign error_valid_o = want && !in_range;
  assign error_o = !error_valid_o ? NO_ERROR :
                   '{cause: CAUSE_SRAM_RANGE, id: j_q.id, info: 32'(bad)};

  // The next pass of a kernel: its first row, and in FOLD mode the byte that is on lane 0.
  logic [2:0] rows_done;
  logic [7:0] offset_next;
  pos_t pass_step;

  always_comb begin
    rows_done   = j_q.pass_rows;
    offset_next = '0;
    pass_step   = j_q.step_row;
    if (j_q.mode != MODE_DENSE) begin
      if (j_q.mode == MODE_FOLD) begin
        rows_done = '0;
        for (int unsigned r = 1; r <= GATHER_ROWS; r++) begin
          if (11'(offset_q) + 11'(KLanes) >= 11'(r) * 11'(j_q.fold_bytes)) rows_done = 3'(r);
        end
        offset_next = offset_q + 8'(KLanes) - 8'(rows_done) * j_q.fold_bytes;
      end
      pass_step = pos_t'({1'b0, rows_done}) * j_q.step_row
                  + (j_q.mode == MODE_FOLD ? pos_t'(KLanes) : '0);
    end
  end

  assign next_take = next_valid && (!busy_q || (emit && job_end));

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q    <= 1'b0;
      stopped_q <= 1'b0;
      half_q    <= 1'b0;
    end else begin
      if (error_valid_o) stopped_q <= 1'b1;
      if (next_take) busy_q <= 1'b1;
      else if (emit && job_end) busy_q <= 1'b0;
      if (emit && pass_end && n_end && j_q.last) half_q <= !half_q;
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
      row_q   <= '0;
      fill_q  <= next.fill;
      offset_q <= '0;
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
    end else if (fire && filling) begin
      fill_q <= fill_q - 7'd1;
      at_q   <= at_q + pos_t'(2 * KLanes);
      ix_q   <= ix_q + coord_t'(2);
    end else if (fire) begin
      if (row_end) fill_q <= j_q.fill;
      if (!row_end) begin
        ox_q    <= ox_q + 12'd1;
        entry_q <= entry_q + 1'b1;
        at_q    <= at_q + j_q.step_x;
        ix_q    <= ix_q + coord_t'({12'd0, j_q.stride_x});
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
          cb_q     <= '0;
          kx_q     <= '0;
          ky_q     <= ky_q + 8'd1;
          row_q    <= row_q + 8'(rows_done);
          offset_q <= offset_next;
          at_ky_q  <= at_ky_q + pass_step;
          at_kx_q  <= at_ky_q + pass_step;
          at_cb_q  <= at_ky_q + pass_step;
          at_oy_q  <= at_ky_q + pass_step;
          at_q     <= at_ky_q + pass_step;
          iy_ky_q  <= iy_ky_q + coord_t'(rows_done * j_q.dilation_y);
          iy_q     <= iy_ky_q + coord_t'(rows_done * j_q.dilation_y);
          ix_kx_q  <= j_q.ix + coord_t'({12'd0, offset_next});
          ix_q     <= j_q.ix + coord_t'({12'd0, offset_next});
        end else begin
          cb_q    <= '0;
          kx_q    <= '0;
          ky_q    <= '0;
          row_q   <= '0;
          offset_q <= '0;
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

  logic s1_data_q, s1_valid_q, s1_swap_q, s1_half_q, s1_start_q, s1_end_q;
  feed_t                s1_feed_q;
  logic [EntryBits-1:0] s1_entry_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      s1_data_q  <= 1'b0;
      s1_valid_q <= 1'b0;
    end else begin
      s1_data_q  <= fire;
      s1_valid_q <= emit;
    end
  end

  always_ff @(posedge clk_i) begin
    if (fire) s1_feed_q <= feed;
    if (emit) begin
      s1_swap_q  <= pass_start;
      s1_half_q  <= half_q;
      s1_entry_q <= entry_q;
      s1_start_q <= first_pass;
      s1_end_q   <= pass_end && n_end;
    end
  end

  assign s1_data_o  = s1_data_q;
  assign s1_feed_o  = s1_feed_q;
  assign s1_valid_o = s1_valid_q;
  assign s1_swap_o  = s1_valid_q && s1_swap_q;
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
    else if (emit) cycle_o = CYCLE_BUSY;
    else if (acc_wait) cycle_o = CYCLE_ACCUMULATOR;
    else if (weight_wait) cycle_o = CYCLE_WEIGHT;
    else if (read || filling) cycle_o = CYCLE_ACTIVATION;
  end

  ////////////////
  // Assertions //
  ////////////////

  `ASSERT(EntryInHalf, emit && !pass_end |-> entry_q != '1)
  `ASSERT(NoReadInHalt, halt_i |-> !fire)
  `ASSERT(RequestHold, read && !act_rd_gnt_i && !halt_i |=> halt_i || (read && $stable
                       (act_rd_addr_o)))

endmodule

`default_nettype wire

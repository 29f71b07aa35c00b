// SPDX-License-Identifier: Apache-2.0
//
// Executes CONV. Wiring of the array, its walkers and the output stage, and the unit's status.
//
//                     ┌─► weight walker ─► shadow weights ─┐
//   queue ─► issue ───┼─► pixel walker ──► x[K] ──────────► dot product ─► accumulator ┐
//                     ├─► param fetch ───────────────────────────┐                     │
//                     └─► drain walker ◄─────────────────────────┴─ output stage ◄─────┘
//
// Three commands can be under way: one drains, one streams, the weights of the next are prefetched.
`default_nettype none

`include "assert.svh"

module tessera_conv_unit
  import tessera_isa_pkg::*;
  import tessera_pkg::*;
  import tessera_conv_pkg::*;
#(
  parameter int unsigned KLanes = 16,
  parameter int unsigned NLanes = 16,
  parameter int unsigned BusBytes = 16,
  parameter int unsigned ActBytes = 131072,
  parameter int unsigned ActBanks = 8,
  parameter int unsigned WeightBytes = 65536,
  parameter int unsigned ParamBytes = 8192,
  parameter int unsigned AccEntries = 512,
  parameter bit Depthwise = 1'b1,
  parameter int unsigned Tables = 4
) (
  input  logic                                 clk_i,
  input  logic                                 rst_ni,
  input  logic                                 halt_i,
  // Unit interface (rtl/README.md).
  input  logic                                 cmd_valid_i,
  input  logic         [COMMAND_BITS-1:0]      cmd_i,
  input  logic         [      QUEUES-1:0]      dep_met_i,
  output logic                                 cmd_ready_o,
  output logic                                 start_o,
  output id_t                                  start_id_o,
  output logic                                 done_o,
  output id_t                                  done_id_o,
  output id_t                                  id_o,
  output wait_e                                state_o,
  output logic                                 error_valid_o,
  output error_t                               error_o,
  output logic                                 idle_o,
  // ACT SRAM: input pixels, residual, output.
  output gather_mask_t                                              act_rd_req_o,
  output gather_addr_t                                              act_rd_addr_o,
  input  logic                                                      act_rd_gnt_i,
  input  logic         [      KLanes-1:0][7:0] act_rd_data_i[GATHER_ROWS][2],
  output logic                                 res_rd_req_o,
  output addr_t                                res_rd_addr_o,
  input  logic                                 res_rd_gnt_i,
  input  logic         [      KLanes-1:0][7:0] res_rd_data_i,
  output logic                                 act_wr_req_o,
  output addr_t                                act_wr_addr_o,
  output logic         [      KLanes-1:0][7:0] act_wr_data_o,
  input  logic                                 act_wr_gnt_i,
  // WEIGHT and PARAM SRAM.
  output logic                                 wgt_rd_req_o,
  output addr_t                                wgt_rd_addr_o,
  input  logic         [      NLanes-1:0][7:0] wgt_rd_data_i,
  output logic                                 par_rd_req_o,
  output addr_t                                par_rd_addr_o,
  input  logic         [    BusBytes-1:0][7:0] par_rd_data_i,
  // Tables: looked up in the same cycle.
  output logic         [             3:0]      table_o,
  output logic         [      KLanes-1:0][7:0] table_index_o,
  input  logic         [      KLanes-1:0][7:0] table_data_i,
  // What the array does in this cycle.
  output array_cycle_e                         array_cycle_o,
  output id_t                                  array_id_o
);

  localparam int unsigned EntryBits = $clog2(AccEntries / 2);
  localparam int unsigned RowBits = $clog2(KLanes);
  localparam int unsigned PartBits = idx_width(NLanes / KLanes);

  // Issue to walkers.
  logic weight_valid, weight_ready, pixel_valid, pixel_ready;
  logic param_valid, param_ready, drain_valid, drain_ready;
  weight_job_t       weight_job;
  pixel_job_t        pixel_job;
  param_job_t        param_job;
  drain_job_t        drain_job;
  id_t               issue_id;
  // Errors.
  logic        [4:0] error_valid;
  error_t      [4:0] error;
  // Weights.
  logic loaded, swap, row_valid, weight_busy;
  logic [RowBits-1:0] row;
  weight_form_t row_form;
  // Pixels.
  logic s1_data, s1_valid, s1_swap, s1_half, s1_start, s1_end;
  feed_t                        s1_feed;
  logic         [EntryBits-1:0] s1_entry;
  logic                         pixel_busy;
  id_t                          pixel_id;
  array_cycle_e                 pixel_cycle;
  logic signed  [          8:0] x[KLanes];
  logic signed  [          7:0] taps[KLanes] [KLanes];
  logic depthwise;
  // Sums.
  logic s3_valid, s3_end;
  logic signed [31:0] s3_sums     [NLanes];
  logic        [ 1:0] half_busy_q;
  logic half_claim, claimed_half, half_free, freed_half;
  // Drain.
  logic params_loaded, params_take, drain_busy;
  logic acc_rd_req, acc_rd_half;
  logic        [EntryBits-1:0] acc_rd_entry;
  logic signed [         31:0] acc          [NLanes];
  logic signed [         31:0] bias         [NLanes];
  logic        [         31:0] multiplier   [NLanes];
  logic        [          5:0] shift        [NLanes];
  logic word_valid, drain_moves, output_busy, output_clk;
  logic      [PartBits-1:0] word_part;
  word_tag_t                word_tag;
  // Between S1 and S3.
  logic      [         1:0] in_array_q;
  id_t                      last_id_q;
  wait_e                    missing;

  tessera_conv_issue #(
    .KLanes(KLanes),
    .NLanes(NLanes),
    .BusBytes(BusBytes),
    .AccEntries(AccEntries),
    .ActBanks(ActBanks),
    .Depthwise(Depthwise),
    .Tables(Tables)
  ) i_issue (
    .clk_i,
    .rst_ni,
    .halt_i,
    .cmd_valid_i,
    .cmd_i,
    .dep_met_i,
    .cmd_ready_o,
    .id_o(issue_id),
    .error_valid_o(error_valid[0]),
    .error_o(error[0]),
    .weight_valid_o(weight_valid),
    .weight_ready_i(weight_ready),
    .weight_o(weight_job),
    .pixel_valid_o(pixel_valid),
    .pixel_ready_i(pixel_ready),
    .pixel_o(pixel_job),
    .param_valid_o(param_valid),
    .param_ready_i(param_ready),
    .param_o(param_job),
    .drain_valid_o(drain_valid),
    .drain_ready_i(drain_ready),
    .drain_o(drain_job)
  );

  tessera_weight_walker #(
    .KLanes(KLanes),
    .NLanes(NLanes),
    .WeightBytes(WeightBytes)
  ) i_weight_walker (
    .clk_i,
    .rst_ni,
    .valid_i(weight_valid),
    .ready_o(weight_ready),
    .job_i(weight_job),
    .swap_i(swap),
    .loaded_o(loaded),
    .rd_req_o(wgt_rd_req_o),
    .rd_addr_o(wgt_rd_addr_o),
    .row_valid_o(row_valid),
    .row_o(row),
    .row_form_o(row_form),
    .busy_o(weight_busy),
    .error_valid_o(error_valid[1]),
    .error_o(error[1])
  );

  tessera_pixel_walker #(
    .KLanes(KLanes),
    .ActBytes(ActBytes),
    .EntryBits(EntryBits)
  ) i_pixel_walker (
    .clk_i,
    .rst_ni,
    .halt_i,
    .valid_i(pixel_valid),
    .ready_o(pixel_ready),
    .job_i(pixel_job),
    .loaded_i(loaded),
    .swap_o(swap),
    .half_busy_i(half_busy_q),
    .half_claim_o(half_claim),
    .half_o(claimed_half),
    .act_rd_req_o,
    .act_rd_addr_o,
    .act_rd_gnt_i,
    .s1_data_o(s1_data),
    .s1_feed_o(s1_feed),
    .s1_valid_o(s1_valid),
    .s1_swap_o(s1_swap),
    .s1_half_o(s1_half),
    .s1_entry_o(s1_entry),
    .s1_start_o(s1_start),
    .s1_end_o(s1_end),
    .busy_o(pixel_busy),
    .id_o(pixel_id),
    .cycle_o(pixel_cycle),
    .error_valid_o(error_valid[2]),
    .error_o(error[2])
  );

  tessera_operand #(
    .KLanes(KLanes),
    .Depthwise(Depthwise)
  ) i_operand (
    .clk_i,
    .valid_i(s1_data),
    .feed_i(s1_feed),
    .data_i(act_rd_data_i),
    .x_o(x),
    .taps_o(taps),
    .depthwise_o(depthwise)
  );

  tessera_dot_product #(
    .KLanes(KLanes),
    .NLanes(NLanes),
    .Depthwise(Depthwise)
  ) i_dot_product (
    .clk_i,
    .rst_ni,
    .row_valid_i(row_valid),
    .row_i(row),
    .row_data_i(wgt_rd_data_i),
    .row_form_i(row_form),
    .valid_i(s1_valid),
    .swap_i(s1_swap),
    .x_i(x),
    .taps_i(taps),
    .depthwise_i(depthwise),
    .valid_o(s3_valid),
    .sums_o(s3_sums)
  );

  tessera_accumulator #(
    .NLanes(NLanes),
    .EntryBits(EntryBits)
  ) i_accumulator (
    .clk_i,
    .rst_ni,
    .s1_valid_i(s1_valid),
    .s1_half_i (s1_half),
    .s1_entry_i(s1_entry),
    .s1_start_i(s1_start),
    .s1_end_i  (s1_end),
    .s3_valid_i(s3_valid),
    .s3_sums_i (s3_sums),
    .s3_end_o  (s3_end),
    .rd_req_i  (acc_rd_req),
    .rd_half_i (acc_rd_half),
    .rd_entry_i(acc_rd_entry),
    .rd_sums_o (acc)
  );

  // Everything behind the accumulators has a clock only while sums leave, which is seldom where a
  // kernel has many taps or channels.
  tessera_clock_gate i_output_gate (
    .clk_i,
    .rst_ni,
    .active_i(param_valid || par_rd_req_o || error_valid[3] || drain_moves || output_busy
              || halt_i || !rst_ni),
    .clk_o(output_clk)
  );

  tessera_param_fetch #(
    .NLanes(NLanes),
    .BusBytes(BusBytes),
    .ParamBytes(ParamBytes)
  ) i_param_fetch (
    .clk_i(output_clk),
    .rst_ni,
    .valid_i(param_valid),
    .ready_o(param_ready),
    .job_i(param_job),
    .rd_req_o(par_rd_req_o),
    .rd_addr_o(par_rd_addr_o),
    .rd_data_i(par_rd_data_i),
    .loaded_o(params_loaded),
    .take_i(params_take),
    .bias_o(bias),
    .multiplier_o(multiplier),
    .shift_o(shift),
    .error_valid_o(error_valid[3]),
    .error_o(error[3])
  );

  tessera_drain_walker #(
    .KLanes(KLanes),
    .NLanes(NLanes),
    .ActBytes(ActBytes),
    .EntryBits(EntryBits)
  ) i_drain_walker (
    .clk_i(output_clk),
    .rst_ni,
    .halt_i,
    .valid_i(drain_valid),
    .ready_o(drain_ready),
    .job_i(drain_job),
    .group_end_i(s3_end),
    .params_loaded_i(params_loaded),
    .params_take_o(params_take),
    .acc_rd_req_o(acc_rd_req),
    .acc_rd_half_o(acc_rd_half),
    .acc_rd_entry_o(acc_rd_entry),
    .half_free_o(half_free),
    .half_o(freed_half),
    .res_rd_req_o,
    .res_rd_addr_o,
    .res_rd_gnt_i,
    .word_valid_o(word_valid),
    .word_part_o(word_part),
    .word_tag_o(word_tag),
    .busy_o(drain_busy),
    .moves_o(drain_moves),
    .error_valid_o(error_valid[4]),
    .error_o(error[4])
  );

  tessera_output_stage #(
    .KLanes(KLanes),
    .NLanes(NLanes)
  ) i_output_stage (
    .clk_i(output_clk),
    .rst_ni,
    .word_valid_i(word_valid),
    .word_part_i(word_part),
    .word_tag_i(word_tag),
    .acc_i(acc),
    .bias_i(bias),
    .multiplier_i(multiplier),
    .shift_i(shift),
    .res_data_i(res_rd_data_i),
    .act_wr_req_o,
    .act_wr_addr_o,
    .act_wr_data_o,
    .act_wr_gnt_i,
    .table_o,
    .table_index_o,
    .table_data_i,
    .done_o,
    .done_id_o,
    .busy_o(output_busy)
  );

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      half_busy_q <= '0;
      in_array_q  <= '0;
      last_id_q   <= '0;
    end else begin
      if (half_claim) half_busy_q[claimed_half] <= 1'b1;
      if (half_free) half_busy_q[freed_half] <= 1'b0;
      in_array_q <= {in_array_q[0], s1_valid};
      last_id_q  <= array_id_o;
    end
  end

  ////////////
  // Status //
  ////////////

  assign start_o = cmd_valid_i && cmd_ready_o;
  assign start_id_o = issue_id;
  assign idle_o     = !weight_busy && !pixel_busy && !s1_valid && in_array_q == '0 && !drain_busy
                      && !output_busy;
  assign id_o = array_id_o;

  always_comb begin
    error_valid_o = error_valid != '0;
    error_o       = NO_ERROR;
    if (error_valid_o) begin
      for (int signed i = 4; i >= 0; i--) begin
        if (error_valid[i]) error_o = error[i];
      end
    end
  end

  assign missing = token_wait(dep_met_i);

  always_comb begin
    array_id_o = last_id_q;
    if (pixel_busy) begin
      array_cycle_o = pixel_cycle;
      array_id_o    = pixel_id;
    end else if (cmd_valid_i) begin
      array_id_o = issue_id;
      unique case (missing)
        WAIT_DEP_LOAD:   array_cycle_o = CYCLE_DEP_LOAD;
        WAIT_DEP_CONV:   array_cycle_o = CYCLE_DEP_CONV;
        WAIT_DEP_VECTOR: array_cycle_o = CYCLE_DEP_VECTOR;
        WAIT_DEP_STORE:  array_cycle_o = CYCLE_DEP_STORE;
        default:         array_cycle_o = CYCLE_ISSUE;
      endcase
    end else begin
      array_cycle_o = CYCLE_COMMAND;
    end
  end

  always_comb begin
    unique case (array_cycle_o)
      CYCLE_WEIGHT:      state_o = WAIT_WEIGHT;
      CYCLE_ACTIVATION:  state_o = WAIT_ACTIVATION;
      CYCLE_ACCUMULATOR: state_o = WAIT_ACCUMULATOR;
      CYCLE_DEP_LOAD:    state_o = WAIT_DEP_LOAD;
      CYCLE_DEP_CONV:    state_o = WAIT_DEP_CONV;
      CYCLE_DEP_VECTOR:  state_o = WAIT_DEP_VECTOR;
      CYCLE_DEP_STORE:   state_o = WAIT_DEP_STORE;
      CYCLE_COMMAND:     state_o = idle_o ? WAIT_IDLE : WAIT_RUN;
      default:           state_o = WAIT_RUN;
    endcase
  end

  ////////////////
  // Assertions //
  ////////////////

  `ASSERT(ClaimFreeHalf, half_claim |-> !half_busy_q[claimed_half])
  `ASSERT(FreeBusyHalf, half_free |-> half_busy_q[freed_half])

endmodule

`default_nettype wire

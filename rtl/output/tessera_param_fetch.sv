// SPDX-License-Identifier: Apache-2.0
//
// Fetches parameter records (N biases, N multipliers, N shifts; little endian) one ahead of use: a
// record is complete while the output stage still works with the one before.
//
// A record takes ceil(9 * N / BusBytes) + 1 cycles; take_i moves it to params_o.
`default_nettype none

`include "assert.svh"

module tessera_param_fetch
  import tessera_isa_pkg::*;
  import tessera_pkg::*;
  import tessera_conv_pkg::*;
#(
  parameter int unsigned NLanes = 16,
  parameter int unsigned BusBytes = 16,
  parameter int unsigned ParamBytes = 8192
) (
  input  logic                            clk_i,
  input  logic                            rst_ni,
  // From issue.
  input  logic                            valid_i,
  output logic                            ready_o,
  input  param_job_t                      job_i,
  // PARAM SRAM.
  output logic                            rd_req_o,
  output addr_t                           rd_addr_o,
  input  logic        [BusBytes-1:0][7:0] rd_data_i,
  // To the output stage.
  output logic                            loaded_o,               // registered
  input  logic                            take_i,
  output logic signed [        31:0]      bias_o       [NLanes],
  output logic        [        31:0]      multiplier_o [NLanes],
  output logic        [         5:0]      shift_o      [NLanes],
  output logic                            error_valid_o,
  output error_t                          error_o
);

  localparam int unsigned Beats = (9 * NLanes + BusBytes - 1) / BusBytes;
  localparam int unsigned BeatBits = $clog2(Beats + 1);

  logic head_valid, head_pop;
  param_job_t       head;
  logic       [2:0] unused_count;
  logic fresh_q, stopped_q, read_q;
  addr_t addr_q, addr;
  logic [11:0] left_q, left;
  logic [BeatBits-1:0] asked_q, got_q;
  logic [           Beats-1:0][BusBytes-1:0][7:0] staging_q;
  logic [Beats*BusBytes*8-1:0]                    record;
  logic all_asked, want, in_range, record_end;
  logic signed [31:0] bias_q      [NLanes];
  logic        [31:0] multiplier_q[NLanes];
  logic        [ 5:0] shift_q     [NLanes];

  tessera_fifo #(
    .Depth (4),
    .data_t(param_job_t)
  ) i_jobs (
    .clk_i,
    .rst_ni,
    .valid_i,
    .ready_o,
    .data_i (job_i),
    .valid_o(head_valid),
    .ready_i(head_pop),
    .data_o (head),
    .count_o(unused_count)
  );

  assign all_asked     = asked_q == BeatBits'(Beats);
  assign loaded_o      = got_q == BeatBits'(Beats);
  assign addr          = fresh_q ? head.addr : addr_q;
  assign left          = fresh_q ? head.records : left_q;
  assign want          = head_valid && !all_asked && !stopped_q;
  assign in_range      = addr < addr_t'(ParamBytes);
  assign rd_req_o      = want && in_range;
  assign rd_addr_o     = addr;
  assign record_end    = rd_req_o && asked_q == BeatBits'(Beats - 1);
  assign head_pop      = record_end && left == 12'd1;

  assign error_valid_o = want && !in_range;
  assign error_o = !error_valid_o ? NO_ERROR :
                   '{cause: CAUSE_SRAM_RANGE, id: head.id, info: 32'(addr)};

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      fresh_q   <= 1'b1;
      stopped_q <= 1'b0;
      read_q    <= 1'b0;
      asked_q   <= '0;
      got_q     <= '0;
    end else begin
      if (error_valid_o) stopped_q <= 1'b1;
      read_q <= rd_req_o;
      if (rd_req_o) fresh_q <= head_pop;
      if (take_i) begin
        asked_q <= '0;
        got_q   <= '0;
      end else begin
        if (rd_req_o) asked_q <= asked_q + 1'b1;
        if (read_q) got_q <= got_q + 1'b1;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (rd_req_o) begin
      addr_q <= addr + addr_t'(BusBytes);
      left_q <= record_end ? left - 12'd1 : left;
    end
    if (read_q) staging_q[got_q] <= rd_data_i;
  end

  assign record = staging_q;

  always_ff @(posedge clk_i) begin : p_take
    logic signed [31:0] bias      [NLanes];
    logic        [31:0] multiplier[NLanes];
    logic        [ 5:0] shift     [NLanes];
    if (take_i) begin
      for (int unsigned n = 0; n < NLanes; n++) begin
        bias[n]       = record[n*32+:32];
        multiplier[n] = record[(NLanes+n)*32+:32];
        shift[n]      = record[NLanes*64+n*8+:6];
      end
      bias_q       <= bias;
      multiplier_q <= multiplier;
      shift_q      <= shift;
    end
  end

  assign bias_o       = bias_q;
  assign multiplier_o = multiplier_q;
  assign shift_o      = shift_q;

  // Padding of the record, and the two bits above a shift.
  logic unused_record;
  assign unused_record = ^record;

  ////////////////
  // Assertions //
  ////////////////

  `ASSERT(RecordLeft, rd_req_o |-> left != '0)
  `ASSERT(GotWhatWasAsked, got_q <= asked_q)
  `ASSERT(TakeOnlyWhenLoaded, take_i |-> loaded_o)

endmodule

`default_nettype wire

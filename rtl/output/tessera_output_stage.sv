// SPDX-License-Identifier: Apache-2.0
//
// Finishes words of K channels: bias, requantize, clip, residual add, table, write.
//
//   D0            D1           D2..D4        D5, D6           D7
//   acc and res   part of the  requantize    residual add     table, ACT SRAM write,
//   are read      vector                     (or bypass)      done
//
// One word per cycle, latency 6 from the word's read; never stalls, so the write port must always
// be granted.
`default_nettype none

`include "assert.svh"

module tessera_output_stage
  import tessera_pkg::*;
  import tessera_conv_pkg::*;
#(
  parameter int unsigned KLanes = 16,
  parameter int unsigned NLanes = 16,
  localparam int unsigned WordsPerVector = NLanes / KLanes,
  localparam int unsigned PartBits = idx_width(WordsPerVector)
) (
  input  logic                            clk_i,
  input  logic                            rst_ni,
  // From the drain walker (D0).
  input  logic                            word_valid_i,
  input  logic        [PartBits-1:0]      word_part_i,
  input  word_tag_t                       word_tag_i,
  // Operands (D1).
  input  logic signed [        31:0]      acc_i        [NLanes],
  input  logic signed [        31:0]      bias_i       [NLanes],
  input  logic        [        31:0]      multiplier_i [NLanes],
  input  logic        [         5:0]      shift_i      [NLanes],
  input  logic        [  KLanes-1:0][7:0] res_data_i,
  // ACT SRAM.
  output logic                            act_wr_req_o,
  output addr_t                           act_wr_addr_o,
  output logic        [  KLanes-1:0][7:0] act_wr_data_o,
  input  logic                            act_wr_gnt_i,
  // Tables: looked up in the same cycle.
  output logic        [       3:0]        table_o,
  output logic        [  KLanes-1:0][7:0] table_index_o,
  input  logic        [  KLanes-1:0][7:0] table_data_i,
  // Completion.
  output logic                            done_o,
  output id_t                             done_id_o,
  output logic                            busy_o
);

  localparam int unsigned ResidualDelay = 3;  // as long as requantizing takes

  ////////
  // D1 //
  ////////

  logic                       d1_valid_q;
  logic        [PartBits-1:0] d1_part_q;
  word_tag_t                  d1_tag_q;
  logic signed [        31:0] acc        [KLanes];
  logic signed [        31:0] bias       [KLanes];
  logic        [        31:0] multiplier [KLanes];
  logic        [         5:0] shift      [KLanes];

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) d1_valid_q <= 1'b0;
    else d1_valid_q <= word_valid_i;
  end

  always_ff @(posedge clk_i) begin
    if (word_valid_i) begin
      d1_part_q <= word_part_i;
      d1_tag_q  <= word_tag_i;
    end
  end

  if (WordsPerVector == 1) begin : gen_whole
    assign acc        = acc_i;
    assign bias       = bias_i;
    assign multiplier = multiplier_i;
    assign shift      = shift_i;
    logic unused_part;
    assign unused_part = ^d1_part_q;
  end else begin : gen_part
    always_comb begin
      for (int unsigned k = 0; k < KLanes; k++) begin
        acc[k]        = acc_i[32'(d1_part_q)*KLanes+k];
        bias[k]       = bias_i[32'(d1_part_q)*KLanes+k];
        multiplier[k] = multiplier_i[32'(d1_part_q)*KLanes+k];
        shift[k]      = shift_i[32'(d1_part_q)*KLanes+k];
      end
    end
  end

  //////////////
  // D2 to D4 //
  //////////////

  logic              q_valid;
  logic signed [7:0] q       [KLanes];
  word_tag_t         q_tag;

  tessera_requantize #(
    .Lanes(KLanes),
    .tag_t(word_tag_t)
  ) i_requantize (
    .clk_i,
    .rst_ni,
    .valid_i(d1_valid_q),
    .acc_i(acc),
    .bias_i(bias),
    .multiplier_i(multiplier),
    .shift_i(shift),
    .twice_i(d1_tag_q.rule.twice),
    .tail_i(d1_tag_q.rule.tail),
    .tag_i(d1_tag_q),
    .valid_o(q_valid),
    .data_o(q),
    .tag_o(q_tag)
  );

  // The residual word waits beside the requantizer. It moves, and is looked at, only with a word.
  logic        [2:0]                                hidden_q;  // words in the stages of submodules
  logic        [ResidualDelay-1:0][KLanes-1:0][7:0] res_q;
  logic signed [              7:0]                  res     [KLanes];

  always_ff @(posedge clk_i) begin
    if (d1_valid_q || hidden_q[1:0] != '0) res_q <= {res_q[ResidualDelay-2:0], res_data_i};
  end

  always_comb begin
    for (int unsigned k = 0; k < KLanes; k++) res[k] = '0;
    if (q_valid && q_tag.rule.residual) begin
      for (int unsigned k = 0; k < KLanes; k++) res[k] = res_q[ResidualDelay-1][k];
    end
  end

  ////////////
  // D5, D6 //
  ////////////

  logic              y_valid;
  logic signed [7:0] y       [KLanes];
  word_tag_t         y_tag;

  logic unused_sum_valid;
  logic signed [31:0] unused_sum[KLanes];
  word_tag_t unused_sum_tag;

  tessera_rescale_add #(
    .Lanes(KLanes),
    .tag_t(word_tag_t)
  ) i_rescale_add (
    .clk_i,
    .rst_ni,
    .valid_i(q_valid),
    .bypass_i(!q_tag.rule.residual),
    .multiply_i(1'b0),
    .twice_i(1'b0),
    .a_i(q),
    .b_i(res),
    .a_zp_i(q_tag.rule.tail.zp),
    .b_zp_i(q_tag.rule.res_zp),
    .a_mult_i(q_tag.rule.self_mult),
    .b_mult_i(q_tag.rule.res_mult),
    .a_shift_i('0),
    .b_shift_i('0),
    .shift_i(q_tag.rule.shift),
    .tail_i(q_tag.rule.add_tail),
    .tag_i(q_tag),
    .sum_valid_o(unused_sum_valid),
    .sum_o(unused_sum),
    .sum_tag_o(unused_sum_tag),
    .valid_o(y_valid),
    .data_o(y),
    .tag_o(y_tag)
  );

  ////////
  // D7 //
  ////////

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) hidden_q <= '0;
    else hidden_q <= {q_valid, hidden_q[0], d1_valid_q};
  end

  assign act_wr_req_o  = y_valid && y_tag.write;
  assign act_wr_addr_o = y_tag.addr;
  assign done_o        = y_valid && y_tag.done;
  assign done_id_o     = y_tag.id;
  assign busy_o        = d1_valid_q || q_valid || y_valid || hidden_q != '0;

  always_comb begin
    table_index_o = '0;
    if (y_valid) begin
      for (int unsigned k = 0; k < KLanes; k++) table_index_o[k] = y[k];
    end
  end

  assign table_o       = y_tag.rule.use_table;
  assign act_wr_data_o = (table_o == '0) ? table_index_o : table_data_i;

  logic unused_rule;
  assign unused_rule = ^y_tag.rule;

  ////////////////
  // Assertions //
  ////////////////

  `ASSERT(WriteAlwaysGranted, act_wr_req_o |-> act_wr_gnt_i)

endmodule

`default_nettype wire

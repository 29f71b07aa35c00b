// SPDX-License-Identifier: Apache-2.0
//
// Executes POOL, ADD and MUL on words of K channels.
//
//   POOL   block > out row > out pixel > kernel row > kernel column: one tap per cycle
//          read a ─► max or sum ─► (last tap) requantize ─► write
//   ADD    block > out row > out pixel: one word per cycle
//   MUL    read a and b ─► rescale add or multiply ─► write
//          rounding twice: their sum or product ─► requantize ─► write
//
// One command at a time: the next starts when the last word is written. Results may go through a
// table when they are written. MAX goes through the requantizer too, as (x * 2 + 1) >> 1 = x.
`default_nettype none

`include "assert.svh"

module tessera_vector_unit
  import tessera_isa_pkg::*;
  import tessera_pkg::*;
#(
  parameter int unsigned KLanes   = 16,
  parameter int unsigned ActBytes = 131072,
  parameter int unsigned Tables   = 4
) (
  input  logic                           clk_i,
  input  logic                           rst_ni,
  input  logic                           halt_i,
  // Unit interface (rtl/README.md).
  input  logic                           cmd_valid_i,
  input  logic   [COMMAND_BITS-1:0]      cmd_i,
  input  logic   [      QUEUES-1:0]      dep_met_i,
  output logic                           cmd_ready_o,
  output logic                           start_o,
  output id_t                            start_id_o,
  output logic                           done_o,
  output id_t                            done_id_o,
  output id_t                            id_o,
  output wait_e                          state_o,
  output logic                           error_valid_o,
  output error_t                         error_o,
  output logic                           idle_o,
  // ACT SRAM.
  output logic                           a_rd_req_o,
  output addr_t                          a_rd_addr_o,
  input  logic                           a_rd_gnt_i,
  input  logic   [      KLanes-1:0][7:0] a_rd_data_i,
  output logic                           b_rd_req_o,
  output addr_t                          b_rd_addr_o,
  input  logic                           b_rd_gnt_i,
  input  logic   [      KLanes-1:0][7:0] b_rd_data_i,
  output logic                           act_wr_req_o,
  output addr_t                          act_wr_addr_o,
  output logic   [      KLanes-1:0][7:0] act_wr_data_o,
  input  logic                           act_wr_gnt_i,
  // Tables: looked up in the same cycle.
  output logic   [             3:0]      table_o,
  output logic   [      KLanes-1:0][7:0] table_index_o,
  input  logic   [      KLanes-1:0][7:0] table_data_i
);

  // Words between their first read and the write: room in the FIFO for all of them.
  localparam int unsigned Depth = 16;

  typedef struct packed {
    logic  last;
    addr_t addr;
  } tag_t;

  typedef struct packed {
    tag_t                   tag;
    logic [KLanes-1:0][7:0] data;
  } result_t;

  logic take, legal, busy_q, stopped_q;
  header_cmd_t header;
  pool_cmd_t pool, pool_q;
  add_cmd_t add, add_q;
  mul_cmd_t mul, mul_q;
  logic is_pool, is_pool_q, is_mul_q;

  assign header      = header_cmd_t'(cmd_i);
  assign pool        = pool_cmd_t'(cmd_i);
  assign add         = add_cmd_t'(cmd_i);
  assign mul         = mul_cmd_t'(cmd_i);
  assign is_pool     = header.opcode == OP_POOL;

  assign cmd_ready_o = !busy_q && !halt_i && !stopped_q && (&dep_met_i);
  assign take        = cmd_valid_i && cmd_ready_o;
  assign start_o     = take;
  assign start_id_o  = header.id;

  tessera_vector_check #(
    .KLanes(KLanes),
    .Tables(Tables)
  ) i_check (
    .is_pool_i(is_pool),
    .pool_i(pool),
    .add_i(add),
    .mul_i(mul),
    .is_mul_i(header.opcode == OP_MUL),
    .legal_o(legal)
  );

  ////////////
  // Walker //
  ////////////

  logic step, step_ready, want, tap_first, tap_last, word_last, present, in_range;
  logic [31:0] a_addr, fault;
  place_t b_addr, out_addr;
  logic a_ok, b_ok;

  tessera_vector_walker #(
    .KLanes(KLanes)
  ) i_walker (
    .clk_i,
    .rst_ni,
    .load_i(take && legal),
    .is_pool_i(is_pool),
    .pool_i(pool),
    .add_i(add),
    .step_i(step),
    .active_o(want),
    .tap_first_o(tap_first),
    .tap_last_o(tap_last),
    .last_o(word_last),
    .inside_o(present),
    .a_addr_o(a_addr),
    .b_addr_o(b_addr),
    .out_addr_o(out_addr)
  );

  // Both operands must be there; one that was granted earlier waits in its register.
  logic a_have_q, b_have_q, a_now, b_now;
  logic [$clog2(Depth):0] flying_q;

  assign a_ok = !present || a_addr < ActBytes;
  assign b_ok = is_pool_q || b_addr < place_t'(ActBytes);
  assign in_range = a_ok && b_ok && out_addr < place_t'(ActBytes);
  assign step_ready = want && in_range && !halt_i && !stopped_q
                      && flying_q != ($clog2(Depth) + 1)'(Depth);
  assign a_rd_req_o = step_ready && present && !a_have_q;
  assign b_rd_req_o = step_ready && !is_pool_q && !b_have_q;
  assign a_rd_addr_o = addr_t'(a_addr);
  assign b_rd_addr_o = addr_t'(b_addr);
  assign a_now = a_rd_req_o && a_rd_gnt_i;
  assign b_now = b_rd_req_o && b_rd_gnt_i;
  assign step = step_ready && (!present || a_have_q || a_now) && (is_pool_q || b_have_q || b_now);

  ///////////////////////////
  // V1: operands are here //
  ///////////////////////////

  logic v1_valid_q, v1_first_q, v1_last_q, v1_inside_q;
  logic a_fresh_q, b_fresh_q;
  tag_t v1_tag_q;
  logic [KLanes-1:0][7:0] a_kept_q, b_kept_q, a_word, b_word;
  logic signed [7:0] a[KLanes];
  logic signed [7:0] b[KLanes];

  assign a_word = a_fresh_q ? a_rd_data_i : a_kept_q;
  assign b_word = b_fresh_q ? b_rd_data_i : b_kept_q;

  // Held at zero while no word is taken, so that nothing behind moves.
  always_comb begin
    for (int unsigned k = 0; k < KLanes; k++) begin
      a[k] = '0;
      b[k] = '0;
    end
    if (v1_valid_q) begin
      for (int unsigned k = 0; k < KLanes; k++) begin
        a[k] = a_word[k];
        b[k] = b_word[k];
      end
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      v1_valid_q <= 1'b0;
      a_have_q   <= 1'b0;
      b_have_q   <= 1'b0;
      a_fresh_q  <= 1'b0;
      b_fresh_q  <= 1'b0;
    end else begin
      v1_valid_q <= step;
      a_fresh_q  <= a_now;
      b_fresh_q  <= b_now;
      a_have_q   <= !step && (a_have_q || a_now);
      b_have_q   <= !step && (b_have_q || b_now);
    end
  end

  always_ff @(posedge clk_i) begin
    if (a_fresh_q) a_kept_q <= a_rd_data_i;
    if (b_fresh_q) b_kept_q <= b_rd_data_i;
    if (step) begin
      v1_first_q  <= tap_first;
      v1_last_q   <= tap_last;
      v1_inside_q <= present;
      v1_tag_q    <= '{last: word_last, addr: addr_t'(out_addr)};
    end
  end

  //////////
  // POOL //
  //////////

  localparam logic signed [31:0] Lowest = -32'sd128;

  logic average, reduced_q, pooled_valid;
  logic signed [31:0] total_q   [KLanes];
  logic signed [31:0] bias      [KLanes];
  logic        [31:0] multiplier[KLanes];
  logic        [ 5:0] shift     [KLanes];
  logic signed [ 7:0] pooled    [KLanes];
  tail_t pool_tail, element_tail;
  tag_t v2_tag_q, pooled_tag;

  logic               sum_valid;
  logic signed [31:0] sum[KLanes];
  logic signed [31:0] finished[KLanes];
  tag_t               sum_tag;

  assign average = pool_q.kind == POOL_AVERAGE;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) reduced_q <= 1'b0;
    else reduced_q <= v1_valid_q && v1_last_q && is_pool_q;
  end

  always_ff @(posedge clk_i) begin : p_reduce
    logic signed [31:0] start;
    logic signed [31:0] total [KLanes];
    if (v1_valid_q && is_pool_q) begin
      start = average ? 32'sd0 : Lowest;
      for (int unsigned k = 0; k < KLanes; k++) begin
        total[k] = v1_first_q ? start : total_q[k];
        if (v1_inside_q) begin
          if (average) total[k] = total[k] + 32'(a[k]);
          else if (32'(a[k]) > total[k]) total[k] = 32'(a[k]);
        end
      end
      total_q  <= total;
      v2_tag_q <= v1_tag_q;
    end
  end

  always_comb begin
    for (int unsigned k = 0; k < KLanes; k++) begin
      finished[k]   = is_pool_q ? total_q[k] : sum[k];
      bias[k]       = is_pool_q && average ? pool_q.bias : 32'sd0;
      multiplier[k] = is_pool_q ? (average ? pool_q.multiplier : 32'd2)
                    : is_mul_q ? mul_q.multiplier : add_q.sum_mult;
      shift[k]      = is_pool_q ? (average ? pool_q.shift : 6'd1) : add_q.shift;
    end
  end

  assign pool_tail = '{
          zp: average ? pool_q.out_zp : 8'sd0,
          lo: pool_q.clip_lo,
          hi: pool_q.clip_hi
      };

  assign element_tail = '{zp: add_q.out_zp, lo: add_q.clip_lo, hi: add_q.clip_hi};

  tessera_requantize #(
    .Lanes(KLanes),
    .tag_t(tag_t)
  ) i_requantize (
    .clk_i,
    .rst_ni,
    .valid_i(reduced_q || sum_valid),
    .acc_i(finished),
    .bias_i(bias),
    .multiplier_i(multiplier),
    .shift_i(shift),
    .twice_i(is_pool_q ? pool_q.rounding && average : 1'b1),
    .tail_i(is_pool_q ? pool_tail : element_tail),
    .tag_i(is_pool_q ? v2_tag_q : sum_tag),
    .valid_o(pooled_valid),
    .data_o(pooled),
    .tag_o(pooled_tag)
  );

  //////////////
  // ADD, MUL //
  //////////////

  logic              added_valid;
  logic signed [7:0] added       [KLanes];
  tag_t              added_tag;

  tessera_rescale_add #(
    .Lanes(KLanes),
    .tag_t(tag_t)
  ) i_rescale_add (
    .clk_i,
    .rst_ni,
    .valid_i(v1_valid_q && !is_pool_q),
    .bypass_i(1'b0),
    .multiply_i(is_mul_q),
    .twice_i(add_q.rounding),
    .a_i(a),
    .b_i(b),
    .a_zp_i(add_q.a_zp),
    .b_zp_i(add_q.b_zp),
    .a_mult_i(is_mul_q ? mul_q.multiplier : add_q.a_mult),
    .b_mult_i(add_q.b_mult),
    .a_shift_i(add_q.a_shift),
    .b_shift_i(add_q.b_shift),
    .shift_i(add_q.shift),
    .tail_i(element_tail),
    .tag_i(v1_tag_q),
    .sum_valid_o(sum_valid),
    .sum_o(sum),
    .sum_tag_o(sum_tag),
    .valid_o(added_valid),
    .data_o(added),
    .tag_o(added_tag)
  );

  ////////////
  // Output //
  ////////////

  // Pools end in the requantizer, and so do sums and products that round twice.
  logic requantized;
  assign requantized = is_pool_q || add_q.rounding;

  result_t result_in, result;
  logic result_ready, result_valid, written;
  logic [$clog2(Depth):0] unused_count;

  always_comb begin
    result_in.tag = requantized ? pooled_tag : added_tag;
    for (int unsigned k = 0; k < KLanes; k++) begin
      result_in.data[k] = requantized ? pooled[k] : added[k];
    end
  end

  tessera_fifo #(
    .Depth (Depth),
    .data_t(result_t)
  ) i_results (
    .clk_i,
    .rst_ni,
    .valid_i(requantized ? pooled_valid : added_valid),
    .ready_o(result_ready),
    .data_i (result_in),
    .valid_o(result_valid),
    .ready_i(act_wr_gnt_i),
    .data_o (result),
    .count_o(unused_count)
  );

  assign act_wr_req_o  = result_valid;
  assign act_wr_addr_o = result.tag.addr;
  assign table_o       = is_pool_q ? pool_q.use_table : add_q.use_table;
  assign table_index_o = result.data;
  assign act_wr_data_o = (table_o == '0) ? result.data : table_data_i;
  assign written       = result_valid && act_wr_gnt_i;
  assign done_o        = written && result.tag.last;
  assign done_id_o     = id_o;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q    <= 1'b0;
      stopped_q <= 1'b0;
      flying_q  <= '0;
    end else begin
      if (error_valid_o) stopped_q <= 1'b1;
      if (take) busy_q <= legal;
      else if (done_o) busy_q <= 1'b0;
      flying_q <= flying_q + ($clog2(Depth) + 1)'(step && tap_last) - ($clog2(Depth) + 1)'(written);
    end
  end

  always_ff @(posedge clk_i) begin
    if (take) begin
      is_pool_q <= is_pool;
      is_mul_q  <= header.opcode == OP_MUL;
      pool_q    <= pool;
      add_q     <= add;
      mul_q     <= mul;
    end
  end

  ////////////
  // Status //
  ////////////

  assign idle_o = !busy_q;
  assign id_o   = busy_q ? (is_pool_q ? pool_q.id : add_q.id) : header.id;

  // What the data come from is checked first.
  assign fault = !a_ok ? a_addr : !b_ok ? 32'(b_addr) : 32'(out_addr);

  always_comb begin
    error_valid_o = 1'b0;
    error_o       = NO_ERROR;
    if (take && !legal) begin
      error_valid_o = 1'b1;
      error_o = '{cause: CAUSE_FIELD, id: header.id, info: 32'd0};
    end else if (want && !in_range && !halt_i && !stopped_q) begin
      error_valid_o = 1'b1;
      error_o = '{cause: CAUSE_SRAM_RANGE, id: id_o, info: fault};
    end
  end

  always_comb begin
    state_o = WAIT_IDLE;
    if (busy_q) state_o = WAIT_RUN;
    else if (cmd_valid_i) state_o = token_wait(dep_met_i);
  end

  ////////////////
  // Assertions //
  ////////////////

  `ASSERT(ResultsFit, (requantized ? pooled_valid : added_valid) |-> result_ready)
  `ASSERT(NothingFliesWhenIdle, !busy_q |-> flying_q == '0)
  `ASSERT(WordAligned, act_wr_req_o |-> act_wr_addr_o[$clog2(KLanes)-1:0] == '0)
  `ASSERT(NoReadInHalt, halt_i |-> !a_rd_req_o && !b_rd_req_o)

endmodule

`default_nettype wire

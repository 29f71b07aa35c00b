// SPDX-License-Identifier: Apache-2.0
//
// Takes CONV commands and feeds the walkers: checks the fields, turns strides into address steps.
//
//   queue head ─┬─► weight walker     as soon as the command's loads are done
//               ├─► pixel walker  ┐
//               ├─► param fetch   ├─  when all tokens are there (pops the queue)
//               └─► drain walker  ┘
//
// All paths are combinational from the queue head; the walkers' FIFOs cut them.
`default_nettype none

`include "assert.svh"

module tessera_conv_issue
  import tessera_isa_pkg::*;
  import tessera_pkg::*;
  import tessera_conv_pkg::*;
#(
  parameter int unsigned KLanes = 16,
  parameter int unsigned NLanes = 16,
  parameter int unsigned BusBytes = 16,
  parameter int unsigned AccEntries = 512,
  parameter int unsigned ActBanks = 8,
  parameter bit Depthwise = 1'b1,
  parameter int unsigned Tables = 4
) (
  input  logic                           clk_i,
  input  logic                           rst_ni,
  input  logic                           halt_i,
  // Queue head.
  input  logic                           cmd_valid_i,
  input  logic        [COMMAND_BITS-1:0] cmd_i,
  input  logic        [      QUEUES-1:0] dep_met_i,
  output logic                           cmd_ready_o,
  output id_t                            id_o,
  output logic                           error_valid_o,
  output error_t                         error_o,
  // Walkers.
  output logic                           weight_valid_o,
  input  logic                           weight_ready_i,
  output weight_job_t                    weight_o,
  output logic                           pixel_valid_o,
  input  logic                           pixel_ready_i,
  output pixel_job_t                     pixel_o,
  output logic                           param_valid_o,
  input  logic                           param_ready_i,
  output param_job_t                     param_o,
  output logic                           drain_valid_o,
  input  logic                           drain_ready_i,
  output drain_job_t                     drain_o
);

  localparam int unsigned KShift = $clog2(KLanes);
  localparam int unsigned NShift = $clog2(NLanes);
  localparam int unsigned BusShift = $clog2(BusBytes);
  localparam int unsigned BankBits = $clog2(ActBanks);

  conv_cmd_t c;
  logic      weights_sent_q;
  logic legal, ready, pop;

  assign c = conv_cmd_t'(cmd_i);

  logic unused_cmd;
  assign unused_cmd = ^{c.reserved, c.opcode, c.wait_load, c.wait_conv, c.wait_vector,
                        c.wait_store};

  // Field rules of CONV (accel/rules.py).
  logic sizes_ok, aligned, mode_ok, depthwise_ok, fold_ok, gather_ok, form_ok, chain_ok, tile_ok;
  logic depthwise, fold;
  logic [KShift-1:0] act_bits;

  assign depthwise = c.mode == MODE_DEPTHWISE;
  assign fold = c.mode == MODE_FOLD;

  assign sizes_ok = c.in_h != '0 && c.in_w != '0 && c.kernel_h != '0 && c.kernel_w != '0
      && c.stride_y != '0 && c.stride_x != '0 && c.dilation_y != '0 && c.dilation_x != '0
      && c.cin_blocks != '0 && c.n_blocks != '0 && c.out_h != '0 && c.out_w != '0
      && c.out_step != '0;
  assign act_bits = c.in_plane[KShift-1:0] | c.in_pitch[KShift-1:0] | c.in_group[KShift-1:0]
      | c.out_addr[KShift-1:0] | c.out_plane[KShift-1:0] | c.out_pitch[KShift-1:0]
      | c.out_step[KShift-1:0] | c.res_addr[KShift-1:0] | c.res_plane[KShift-1:0]
      | c.res_pitch[KShift-1:0];
  // The pixels of a FOLD input begin at any byte.
  assign aligned = act_bits == '0 && (fold || c.in_addr[KShift-1:0] == '0)
      && c.weight_addr[NShift-1:0] == '0 && c.param_addr[BusShift-1:0] == '0;
  assign depthwise_ok = Depthwise && (c.stride_x == 4'd1 || c.stride_x == 4'd2)
      && 11'(c.pass_rows) * 11'(c.kernel_w) <= 11'(KLanes);
  assign fold_ok = c.channels != '0 && c.channels <= 4'd8
      && 10'(c.fold_bytes) * 10'(GATHER_ROWS) >= 10'(KLanes);
  assign gather_ok = c.passes != '0 && c.pass_rows != '0 && c.pass_rows <= 3'(GATHER_ROWS)
      && c.cin_blocks == 12'd1 && c.dilation_x == 6'd1 && banks_apart;
  assign mode_ok = c.mode == MODE_DENSE || (depthwise && depthwise_ok && gather_ok)
      || (fold && fold_ok && gather_ok);
  assign chain_ok = c.n_blocks == 12'd1 || (c.first && c.last);
  assign tile_ok = 24'(c.out_h) * 24'(c.out_w) <= 24'(AccEntries / 2);
  assign form_ok = (!c.centered || c.mode == MODE_DENSE) && (!c.transposed || NLanes == KLanes)
      && 32'(c.use_table) <= Tables;
  assign legal = sizes_ok && aligned && mode_ok && form_ok && chain_ok && tile_ok
      && (!c.residual || (c.add_shift != '0 && c.add_shift <= 6'(SHIFT_MAX)));

  // The rows of a pass must not share banks: every two are at least as many banks apart as a row
  // can touch words, in either direction round the banks.
  logic [8:0] row_words;
  logic banks_apart;

  assign row_words = depthwise ? 9'd2 : ((9'(c.fold_bytes) + 9'(KLanes - 2)) >> KShift) + 9'd1;

  always_comb begin
    logic [BankBits-1:0] apart;
    banks_apart = 1'b1;
    apart       = '0;
    for (int unsigned row = 1; row < GATHER_ROWS; row++) begin
      apart = apart + BankBits'(c.dilation_y * BankBits'(c.in_pitch >> KShift));
      if (3'(row) < c.pass_rows
          && (9'(apart) < row_words || 9'(apart) + row_words > 9'(ActBanks))) begin
        banks_apart = 1'b0;
      end
    end
  end

  assign weight_valid_o = cmd_valid_i && dep_met_i[2'(UNIT_LOAD)] && !weights_sent_q && legal
                          && !halt_i;
  assign ready = cmd_valid_i && (&dep_met_i) && !halt_i;
  assign pop   = ready && legal && (weights_sent_q || weight_ready_i) && pixel_ready_i
                 && param_ready_i && drain_ready_i;
  assign cmd_ready_o = pop;
  assign pixel_valid_o = pop;
  assign param_valid_o = pop && c.last;
  assign drain_valid_o = pop;
  assign id_o = c.id;
  assign error_valid_o = ready && !legal;
  assign error_o = error_valid_o ? '{cause: CAUSE_FIELD, id: c.id, info: 32'd0} : NO_ERROR;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) weights_sent_q <= 1'b0;
    else if (pop) weights_sent_q <= 1'b0;
    else if (weight_valid_o && weight_ready_i) weights_sent_q <= 1'b1;
  end

  assign weight_o = '{
          id: c.id,
          addr: c.weight_addr,
          tiles: 32'(c.n_blocks) * 32'(steps_h) * 32'(steps_w) * 32'(c.cin_blocks),
          form: '{transposed: c.transposed, zp: c.weight_zp}
      };

  // A pass of a dense convolution is one kernel tap; the other modes count their passes.
  logic [7:0] steps_h, steps_w;

  assign steps_h = (depthwise || fold) ? c.passes : c.kernel_h;
  assign steps_w = (depthwise || fold) ? 8'd1 : c.kernel_w;

  // Columns are pixels of K bytes, in FOLD mode bytes. A depthwise row begins with `fill` reads of
  // two columns each; kernel_w columns are there with the next one or two (the stride). Where that
  // is an odd number of columns before the stride, the first one read is left of the window.
  logic [7:0] extra_columns;
  logic [6:0] fill;
  logic       odd;
  pos_t pixel_bytes, pitch, lead, base;
  coord_t pad_columns;

  assign extra_columns = c.kernel_w - 8'(c.stride_x);
  assign fill = (depthwise && c.kernel_w > 8'(c.stride_x)) ? 7'((9'(extra_columns) + 9'd1) >> 1)
                                                           : '0;
  assign odd = depthwise && extra_columns[0];
  assign pixel_bytes = fold ? pos_t'(c.channels) : pos_t'(KLanes);
  assign pitch = pos_t'({8'd0, c.in_pitch});
  assign lead = pos_t'(c.pad_left) * pixel_bytes + (odd ? pos_t'(KLanes) : '0);
  // Up and left of the input by the padding.
  assign base = pos_t'({4'd0, c.in_addr}) - pos_t'(c.pad_top) * pitch - lead;
  assign pad_columns = fold ? coord_t'(c.pad_left) * coord_t'(c.channels)
                            : coord_t'(c.pad_left) + coord_t'(odd);

  assign pixel_o = '{
          id: c.id,
          mode: conv_mode_e'(c.mode),
          first: c.first,
          last: c.last,
          in_zp: c.in_zp,
          centered: c.centered,
          base: base,
          step_x: pos_t'(c.stride_x) * pixel_bytes,
          step_y: pos_t'(c.stride_y) * pitch,
          step_kx: pos_t'(c.dilation_x) <<< KShift,
          step_row: pos_t'(c.dilation_y) * pitch - (fold ? pos_t'(c.fold_bytes) : '0),
          step_cb: pos_t'({4'd0, c.in_plane}),
          step_n: pos_t'({4'd0, c.in_group}),
          iy: -coord_t'({12'd0, c.pad_top}),
          ix: -pad_columns,
          stride_y: c.stride_y,
          stride_x: fold ? 8'(c.stride_x) * 8'(c.channels) : 8'(c.stride_x),
          dilation_y: c.dilation_y,
          dilation_x: c.dilation_x,
          in_h: c.in_h,
          in_w: fold ? 16'(c.in_w) * 16'(c.channels) : 16'(c.in_w),
          kernel_h: c.kernel_h,
          kernel_w: c.kernel_w,
          steps_h: steps_h,
          steps_w: steps_w,
          pass_rows: (depthwise || fold) ? c.pass_rows : 3'd1,
          fold_bytes: c.fold_bytes,
          fill: fill,
          cin_blocks: c.cin_blocks,
          n_blocks: c.n_blocks,
          out_h: c.out_h,
          out_w: c.out_w
      };

  assign param_o = '{id: c.id, addr: c.param_addr, records: c.n_blocks};

  assign drain_o = '{
          id: c.id,
          last: c.last,
          n_blocks: c.n_blocks,
          out_h: c.out_h,
          out_w: c.out_w,
          out_addr: c.out_addr,
          out_plane: c.out_plane,
          out_pitch: c.out_pitch,
          out_step: c.out_step,
          res_addr: c.res_addr,
          res_plane: c.res_plane,
          res_pitch: c.res_pitch,
          rule: '{
              tail: '{zp: c.out_zp, lo: c.clip_lo, hi: c.clip_hi},
              twice: c.rounding,
              residual: c.residual,
              res_zp: c.res_zp,
              self_mult: c.add_self_mult,
              res_mult: c.add_res_mult,
              shift: c.add_shift,
              add_tail: '{zp: c.add_zp, lo: c.add_lo, hi: c.add_hi},
              use_table: c.use_table
          }
      };

  ////////////////
  // Assertions //
  ////////////////

  `ASSERT(OnlyLegalIssued, pop || weight_valid_o |-> legal && !halt_i)
  `ASSERT(OutputHasParams, drain_valid_o && drain_o.last |-> param_valid_o)
  `ASSERT(WeightsAheadOfPixels, pop |-> weights_sent_q || (weight_valid_o && weight_ready_i))

endmodule

`default_nettype wire

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
  parameter int unsigned AccEntries = 512
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

  conv_cmd_t c;
  logic      weights_sent_q;
  logic legal, ready, pop;

  assign c = conv_cmd_t'(cmd_i);

  logic unused_cmd;
  assign unused_cmd = ^{c.reserved, c.opcode, c.wait_load, c.wait_conv, c.wait_vector,
                        c.wait_store};

  // Field rules of CONV (accel/rules.py).
  logic sizes_ok, aligned, modes_ok, tile_ok;

  assign sizes_ok = c.in_h != '0 && c.in_w != '0 && c.kernel_h != '0 && c.kernel_w != '0
      && c.stride_y != '0 && c.stride_x != '0 && c.dilation_y != '0 && c.dilation_x != '0
      && c.cin_blocks != '0 && c.n_blocks != '0 && c.out_h != '0 && c.out_w != '0;
  assign aligned = (c.in_addr[KShift-1:0] | c.in_plane[KShift-1:0] | c.in_pitch[KShift-1:0]
      | c.in_group[KShift-1:0] | c.out_addr[KShift-1:0] | c.out_plane[KShift-1:0]
      | c.out_pitch[KShift-1:0] | c.res_addr[KShift-1:0] | c.res_plane[KShift-1:0]
      | c.res_pitch[KShift-1:0]) == '0
      && c.weight_addr[NShift-1:0] == '0 && c.param_addr[BusShift-1:0] == '0;
  assign modes_ok = c.mode == MODE_DENSE && !c.rounding
      && (c.n_blocks == 12'd1 || (c.first && c.last))
      && (!c.residual || (c.add_shift != '0 && c.add_shift <= 6'(SHIFT_MAX)));
  assign tile_ok = 24'(c.out_h) * 24'(c.out_w) <= 24'(AccEntries / 2);
  assign legal = sizes_ok && aligned && modes_ok && tile_ok;

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
  assign error_o = '{cause: CAUSE_FIELD, id: c.id, info: 32'd0};

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) weights_sent_q <= 1'b0;
    else if (pop) weights_sent_q <= 1'b0;
    else if (weight_valid_o && weight_ready_i) weights_sent_q <= 1'b1;
  end

  assign weight_o = '{
          id: c.id,
          addr: c.weight_addr,
          tiles: 32'(c.n_blocks) * 32'(c.kernel_h) * 32'(c.kernel_w) * 32'(c.cin_blocks)
      };

  // Kernel tap (0, 0) of output pixel (0, 0): up and left of the input by the padding.
  pos_t base;

  assign base = pos_t'({4'd0, c.in_addr}) - pos_t'(c.pad_top) * pos_t'({8'd0, c.in_pitch})
                - (pos_t'(c.pad_left) <<< KShift);

  assign pixel_o = '{
          id: c.id,
          first: c.first,
          last: c.last,
          in_zp: c.in_zp,
          base: base,
          step_x: pos_t'(c.stride_x) <<< KShift,
          step_y: pos_t'(c.stride_y) * pos_t'({8'd0, c.in_pitch}),
          step_kx: pos_t'(c.dilation_x) <<< KShift,
          step_ky: pos_t'(c.dilation_y) * pos_t'({8'd0, c.in_pitch}),
          step_cb: pos_t'({4'd0, c.in_plane}),
          step_n: pos_t'({4'd0, c.in_group}),
          iy: -coord_t'({12'd0, c.pad_top}),
          ix: -coord_t'({12'd0, c.pad_left}),
          stride_y: c.stride_y,
          stride_x: c.stride_x,
          dilation_y: c.dilation_y,
          dilation_x: c.dilation_x,
          in_h: c.in_h,
          in_w: c.in_w,
          kernel_h: c.kernel_h,
          kernel_w: c.kernel_w,
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
          res_addr: c.res_addr,
          res_plane: c.res_plane,
          res_pitch: c.res_pitch,
          rule: '{
              tail: '{zp: c.out_zp, lo: c.clip_lo, hi: c.clip_hi},
              residual: c.residual,
              res_zp: c.res_zp,
              self_mult: c.add_self_mult,
              res_mult: c.add_res_mult,
              shift: c.add_shift,
              add_tail: '{zp: c.add_zp, lo: c.add_lo, hi: c.add_hi}
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

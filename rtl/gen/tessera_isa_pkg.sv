// SPDX-License-Identifier: Apache-2.0
// GENERATED from accel/isa.py by `make gen`. Do not edit.
`default_nettype none

package tessera_isa_pkg;

  parameter int unsigned ISA_VERSION = 4;
  parameter int unsigned COMMAND_WORDS = 24;
  parameter int unsigned COMMAND_BITS = 768;
  parameter int unsigned ID_BITS = 24;
  parameter int unsigned PUSH_WINDOW = 'h1000;
  parameter int unsigned QUEUES = 4;
  parameter int unsigned GATHER_ROWS = 4;
  parameter int unsigned TABLE_BYTES = 256;
  parameter int unsigned ARRAY_CYCLES = 11;

  typedef enum logic [7:0] {
    OP_END = 8'd1,
    OP_LOAD = 8'd2,
    OP_STORE = 8'd3,
    OP_CONV = 8'd4,
    OP_POOL = 8'd5,
    OP_ADD = 8'd6,
    OP_MUL = 8'd7
  } opcode_e;

  typedef enum logic [2:0] {
    UNIT_LOAD = 3'd0,
    UNIT_CONV = 3'd1,
    UNIT_VECTOR = 3'd2,
    UNIT_STORE = 3'd3,
    UNIT_DISPATCH = 3'd4
  } unit_e;

  typedef enum logic [3:0] {
    SRAM_ACT = 4'd0,
    SRAM_WEIGHT = 4'd1,
    SRAM_PARAM = 4'd2,
    SRAM_TABLE = 4'd3
  } sram_e;

  typedef enum logic [3:0] {
    MODE_DENSE = 4'd0,
    MODE_DEPTHWISE = 4'd1,
    MODE_FOLD = 4'd2
  } conv_mode_e;

  typedef enum logic [1:0] {
    POOL_MAX = 2'd0,
    POOL_AVERAGE = 2'd1
  } pool_kind_e;

  typedef enum logic [7:0] {
    CAUSE_NONE = 8'd0,
    CAUSE_OPCODE = 8'd1,
    CAUSE_FIELD = 8'd2,
    CAUSE_SRAM_RANGE = 8'd3,
    CAUSE_WINDOW = 8'd4,
    CAUSE_AXI_READ = 8'd5,
    CAUSE_AXI_WRITE = 8'd6,
    CAUSE_TOKEN = 8'd7,
    CAUSE_WATCHDOG = 8'd8
  } cause_e;

  typedef enum logic [3:0] {
    WAIT_IDLE = 4'd0,
    WAIT_RUN = 4'd1,
    WAIT_DEP_LOAD = 4'd2,
    WAIT_DEP_CONV = 4'd3,
    WAIT_DEP_VECTOR = 4'd4,
    WAIT_DEP_STORE = 4'd5,
    WAIT_WEIGHT = 4'd6,
    WAIT_ACTIVATION = 4'd7,
    WAIT_ACCUMULATOR = 4'd8,
    WAIT_BUS = 4'd9,
    WAIT_QUEUE = 4'd10
  } wait_e;

  typedef enum logic [3:0] {
    CYCLE_BUSY = 4'd0,
    CYCLE_WEIGHT = 4'd1,
    CYCLE_ACTIVATION = 4'd2,
    CYCLE_ACCUMULATOR = 4'd3,
    CYCLE_DEP_LOAD = 4'd4,
    CYCLE_DEP_CONV = 4'd5,
    CYCLE_DEP_VECTOR = 4'd6,
    CYCLE_DEP_STORE = 4'd7,
    CYCLE_COMMAND = 4'd8,
    CYCLE_ISSUE = 4'd9,
    CYCLE_DRAIN = 4'd10
  } array_cycle_e;

  // The fields that every command has.
  typedef struct packed {
    logic [639:0] reserved;
    logic [23:0] wait_store;
    logic [23:0] wait_vector;
    logic [23:0] wait_conv;
    logic [23:0] wait_load;
    logic [23:0] id;
    opcode_e opcode;
  } header_cmd_t;

  // Wait for the tokens, then set STATUS.done and raise the interrupt: the stream is complete.
  typedef struct packed {
    logic [639:0] reserved;
    logic [23:0] wait_store;
    logic [23:0] wait_vector;
    logic [23:0] wait_conv;
    logic [23:0] wait_load;
    logic [23:0] id;
    opcode_e opcode;
  } end_cmd_t;

  // Copy `planes` x `rows` rows from a memory window to an SRAM. Addresses, strides and lengths
  // are multiples of the bus width.
  typedef struct packed {
    logic [407:0] reserved;
    logic [23:0] sram_plane_stride;
    logic [31:0] plane_stride;
    logic [15:0] planes;
    logic [23:0] sram_row_stride;
    logic [31:0] row_stride;
    logic [15:0] rows;
    logic [23:0] row_bytes;
    logic [23:0] sram_addr;
    logic [31:0] offset;
    logic [3:0] window;
    logic [3:0] sram;
    logic [23:0] wait_store;
    logic [23:0] wait_vector;
    logic [23:0] wait_conv;
    logic [23:0] wait_load;
    logic [23:0] id;
    opcode_e opcode;
  } load_cmd_t;

  // Copy `planes` x `rows` rows from the ACT SRAM to a memory window. Addresses, strides and
  // lengths are multiples of the bus width.
  typedef struct packed {
    logic [411:0] reserved;
    logic [23:0] sram_plane_stride;
    logic [31:0] plane_stride;
    logic [15:0] planes;
    logic [23:0] sram_row_stride;
    logic [31:0] row_stride;
    logic [15:0] rows;
    logic [23:0] row_bytes;
    logic [23:0] sram_addr;
    logic [31:0] offset;
    logic [3:0] window;
    logic [23:0] wait_store;
    logic [23:0] wait_vector;
    logic [23:0] wait_conv;
    logic [23:0] wait_load;
    logic [23:0] id;
    opcode_e opcode;
  } store_cmd_t;

  // Convolve a tile: for each block of N output channels, accumulate over kernel rows, kernel
  // columns and input channel blocks, then bias, requantize, clip and (optionally) add the
  // residual. out_h * out_w must not exceed half of the accumulator entries. Weight tiles (K words
  // of N bytes) are read in the order n-block, kernel row, kernel column, channel block; parameter
  // records in the order of n-blocks. DEPTHWISE: pass p covers kernel rows p * pass_rows onward,
  // its lane c * pass_rows + r the tap (row r, column c). FOLD: the kernel rows, fold_bytes each,
  // lie end to end; pass p covers bytes p * K to p * K + K - 1 of them. In both, weight tiles are
  // read in the order n-block, pass; lanes without a tap see in_zp; and the rows that a pass reads
  // must lie in different banks. Weights may be an activation: a block of K pixels by K channels
  // is a tile, `transposed` where its pixels are output channels.
  typedef struct packed {
    logic [40:0] reserved;
    logic signed [7:0] add_hi;
    logic signed [7:0] add_lo;
    logic signed [7:0] add_zp;
    logic [5:0] add_shift;
    logic signed [31:0] add_res_mult;
    logic signed [31:0] add_self_mult;
    logic signed [7:0] res_zp;
    logic [19:0] res_pitch;
    logic [23:0] res_plane;
    logic [23:0] res_addr;
    logic [3:0] use_table;
    logic signed [7:0] clip_hi;
    logic signed [7:0] clip_lo;
    logic signed [7:0] out_zp;
    logic [0:0] transposed;
    logic signed [7:0] weight_zp;
    logic [0:0] centered;
    logic signed [7:0] in_zp;
    logic [0:0] residual;
    logic [0:0] last;
    logic [0:0] first;
    logic [0:0] rounding;
    logic [3:0] channels;
    logic [7:0] fold_bytes;
    logic [2:0] pass_rows;
    logic [7:0] passes;
    logic [3:0] mode;
    logic [11:0] out_w;
    logic [11:0] out_h;
    logic [19:0] out_step;
    logic [19:0] out_pitch;
    logic [23:0] out_plane;
    logic [23:0] out_addr;
    logic [23:0] param_addr;
    logic [23:0] weight_addr;
    logic [11:0] n_blocks;
    logic [11:0] cin_blocks;
    logic [5:0] dilation_x;
    logic [5:0] dilation_y;
    logic [3:0] stride_x;
    logic [3:0] stride_y;
    logic [7:0] kernel_w;
    logic [7:0] kernel_h;
    logic [23:0] in_group;
    logic [7:0] pad_left;
    logic [7:0] pad_top;
    logic [11:0] in_w;
    logic [11:0] in_h;
    logic [19:0] in_pitch;
    logic [23:0] in_plane;
    logic [23:0] in_addr;
    logic [23:0] wait_store;
    logic [23:0] wait_vector;
    logic [23:0] wait_conv;
    logic [23:0] wait_load;
    logic [23:0] id;
    opcode_e opcode;
  } conv_cmd_t;

  // Pool a tile of `blocks` channel blocks. Padding never takes part: MAX skips it, AVERAGE sums
  // only what is there. AVERAGE then requantizes sum + bias; MAX only clips.
  typedef struct packed {
    logic [266:0] reserved;
    logic [3:0] use_table;
    logic signed [7:0] clip_hi;
    logic signed [7:0] clip_lo;
    logic signed [7:0] out_zp;
    logic [5:0] shift;
    logic [31:0] multiplier;
    logic signed [31:0] bias;
    logic [0:0] rounding;
    logic [1:0] kind;
    logic [11:0] out_w;
    logic [11:0] out_h;
    logic [19:0] out_step;
    logic [19:0] out_pitch;
    logic [23:0] out_plane;
    logic [23:0] out_addr;
    logic [11:0] blocks;
    logic [7:0] stride_x;
    logic [7:0] stride_y;
    logic [11:0] kernel_w;
    logic [11:0] kernel_h;
    logic [7:0] pad_left;
    logic [7:0] pad_top;
    logic [11:0] in_w;
    logic [11:0] in_h;
    logic [19:0] in_pitch;
    logic [23:0] in_plane;
    logic [23:0] in_addr;
    logic [23:0] wait_store;
    logic [23:0] wait_vector;
    logic [23:0] wait_conv;
    logic [23:0] wait_load;
    logic [23:0] id;
    opcode_e opcode;
  } pool_cmd_t;

  // Add two tiles: ((a - a_zp) * a_mult + (b - b_zp) * b_mult), one rounding shift, zero point,
  // clip. With rounding 1, as TFLite-Micro: each operand << 20, times its multiplier's magnitude,
  // rounded twice by 31 + its shift, negated if the multiplier is negative; then their sum times
  // sum_mult, rounded twice by shift.
  typedef struct packed {
    logic [221:0] reserved;
    logic [31:0] sum_mult;
    logic [4:0] b_shift;
    logic [4:0] a_shift;
    logic signed [31:0] b_mult;
    logic signed [31:0] a_mult;
    logic [0:0] rounding;
    logic [3:0] use_table;
    logic signed [7:0] clip_hi;
    logic signed [7:0] clip_lo;
    logic signed [7:0] out_zp;
    logic [5:0] shift;
    logic signed [7:0] b_zp;
    logic signed [7:0] a_zp;
    logic [11:0] out_w;
    logic [11:0] out_h;
    logic [19:0] out_step;
    logic [19:0] out_pitch;
    logic [23:0] out_plane;
    logic [23:0] out_addr;
    logic [11:0] blocks;
    logic [0:0] b_repeat;
    logic [19:0] b_pitch;
    logic [23:0] b_plane;
    logic [23:0] b_addr;
    logic [19:0] a_pitch;
    logic [23:0] a_plane;
    logic [23:0] a_addr;
    logic [23:0] wait_store;
    logic [23:0] wait_vector;
    logic [23:0] wait_conv;
    logic [23:0] wait_load;
    logic [23:0] id;
    opcode_e opcode;
  } add_cmd_t;

  // Multiply two tiles: (a - a_zp) * (b - b_zp) * multiplier, one rounding shift, zero point,
  // clip.
  typedef struct packed {
    logic [295:0] reserved;
    logic signed [31:0] multiplier;
    logic [0:0] rounding;
    logic [3:0] use_table;
    logic signed [7:0] clip_hi;
    logic signed [7:0] clip_lo;
    logic signed [7:0] out_zp;
    logic [5:0] shift;
    logic signed [7:0] b_zp;
    logic signed [7:0] a_zp;
    logic [11:0] out_w;
    logic [11:0] out_h;
    logic [19:0] out_step;
    logic [19:0] out_pitch;
    logic [23:0] out_plane;
    logic [23:0] out_addr;
    logic [11:0] blocks;
    logic [0:0] b_repeat;
    logic [19:0] b_pitch;
    logic [23:0] b_plane;
    logic [23:0] b_addr;
    logic [19:0] a_pitch;
    logic [23:0] a_plane;
    logic [23:0] a_addr;
    logic [23:0] wait_store;
    logic [23:0] wait_vector;
    logic [23:0] wait_conv;
    logic [23:0] wait_load;
    logic [23:0] id;
    opcode_e opcode;
  } mul_cmd_t;

endpackage

`default_nettype wire

// SPDX-License-Identifier: Apache-2.0
//
// Loops and addresses of POOL, ADD and MUL: block > output row > output pixel > kernel row > kernel
// column (ADD and MUL have a 1 x 1 kernel). One tap per cycle; the first is there in the cycle after load_i.
//
// Positions are wider than addresses. The user stops at the first one that is out of range, so none
// wraps round into the SRAM.
`default_nettype none

`include "assert.svh"

module tessera_vector_walker
  import tessera_isa_pkg::*;
  import tessera_pkg::*;
#(
  parameter int unsigned KLanes = 16
) (
  input  logic      clk_i,
  input  logic      rst_ni,
  // A command.
  input  logic      load_i,
  input  logic      is_pool_i,
  input  pool_cmd_t pool_i,
  input  add_cmd_t  add_i,        // or MUL: its loops lie in the same place
  // The tap; step_i goes to the next.
  input  logic      step_i,
  output logic      active_o,     // registered, like all below
  output logic      tap_first_o,  // of an output pixel
  output logic      tap_last_o,
  output logic      last_o,       // output pixel of the command
  output logic      inside_o,     // the tap is no padding
  output logic [31:0] a_addr_o,   // meaningful while inside_o
  output place_t    b_addr_o,     // of ADD and MUL
  output place_t    out_addr_o
);

  localparam int unsigned KShift = $clog2(KLanes);

  typedef logic signed [31:0] pos_t;  // of padding too: negative, or beyond the SRAM
  typedef logic signed [19:0] coord_t;

  typedef struct packed {
    logic [11:0] kernel_h;
    logic [11:0] kernel_w;
    logic [11:0] blocks;
    logic [11:0] out_h;
    logic [11:0] out_w;
    logic [11:0] in_h;
    logic [11:0] in_w;
    logic [7:0]  stride_y;
    logic [7:0]  stride_x;
    coord_t      iy;
    coord_t      ix;
    pos_t        step_x;
    pos_t        step_y;
    logic [19:0] a_pitch;
    addr_t       a_plane;
    addr_t       b_plane;
    logic [19:0] b_pitch;
    logic [19:0] b_step;
    addr_t       out_plane;
    logic [19:0] out_pitch;
    logic [19:0] out_step;
  } loops_t;

  loops_t l_q;
  logic   active_q;
  logic [11:0] block_q, oy_q, ox_q, ky_q, kx_q;
  pos_t a_block_q, a_row_q, a_pixel_q, a_tap_q, a_q;
  place_t b_block_q, b_row_q, b_q, out_block_q, out_row_q, out_q;
  coord_t iy_row_q, iy_q, ix_pixel_q, ix_q;
  logic kx_end, tap_end, row_end, tile_end;
  pos_t base;

  assign kx_end = kx_q + 12'd1 == l_q.kernel_w;
  assign tap_end = kx_end && ky_q + 12'd1 == l_q.kernel_h;
  assign row_end = ox_q + 12'd1 == l_q.out_w;
  assign tile_end = row_end && oy_q + 12'd1 == l_q.out_h;

  assign active_o = active_q;
  assign tap_first_o = kx_q == '0 && ky_q == '0;
  assign tap_last_o = tap_end;
  assign last_o = tile_end && block_q + 12'd1 == l_q.blocks;
  assign inside_o    = iy_q >= 0 && iy_q < coord_t'({8'd0, l_q.in_h})
                    && ix_q >= 0 && ix_q < coord_t'({8'd0, l_q.in_w});
  assign a_addr_o    = 32'(a_q);
  assign b_addr_o = b_q;
  assign out_addr_o = out_q;

  assign base = !is_pool_i ? pos_t'(add_i.a_addr)
      : pos_t'(pool_i.in_addr) - pos_t'(pool_i.pad_top) * pos_t'(pool_i.in_pitch)
        - (pos_t'(pool_i.pad_left) <<< KShift);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) active_q <= 1'b0;
    else if (load_i) active_q <= 1'b1;
    else if (step_i && tap_end && last_o) active_q <= 1'b0;
  end

  // Positions need no reset: they are loaded with the command.
  always_ff @(posedge clk_i) begin
    if (load_i) begin
      block_q   <= '0;
      oy_q      <= '0;
      ox_q      <= '0;
      ky_q      <= '0;
      kx_q      <= '0;
      a_block_q <= base;
      a_row_q   <= base;
      a_pixel_q <= base;
      a_tap_q   <= base;
      a_q       <= base;
      b_block_q   <= place_t'(add_i.b_addr);
      b_row_q     <= place_t'(add_i.b_addr);
      b_q         <= place_t'(add_i.b_addr);
      if (!is_pool_i) begin
        out_block_q <= place_t'(add_i.out_addr);
        out_row_q   <= place_t'(add_i.out_addr);
        out_q       <= place_t'(add_i.out_addr);
        iy_row_q <= '0;
        iy_q <= '0;
        ix_pixel_q <= '0;
        ix_q <= '0;
        l_q <= '{
            kernel_h: 12'd1,
            kernel_w: 12'd1,
            blocks: add_i.blocks,
            out_h: add_i.out_h,
            out_w: add_i.out_w,
            in_h: add_i.out_h,
            in_w: add_i.out_w,
            stride_y: 8'd1,
            stride_x: 8'd1,
            iy: '0,
            ix: '0,
            step_x: pos_t'(KLanes),
            step_y: pos_t'(add_i.a_pitch),
            a_pitch: add_i.a_pitch,
            a_plane: add_i.a_plane,
            b_plane: add_i.b_plane,
            b_pitch: add_i.b_pitch,
            b_step: add_i.b_repeat ? '0 : 20'(KLanes),
            out_plane: add_i.out_plane,
            out_pitch: add_i.out_pitch,
            out_step: add_i.out_step
        };
      end else begin
        out_block_q <= place_t'(pool_i.out_addr);
        out_row_q <= place_t'(pool_i.out_addr);
        out_q <= place_t'(pool_i.out_addr);
        iy_row_q <= -coord_t'({12'd0, pool_i.pad_top});
        iy_q <= -coord_t'({12'd0, pool_i.pad_top});
        ix_pixel_q <= -coord_t'({12'd0, pool_i.pad_left});
        ix_q <= -coord_t'({12'd0, pool_i.pad_left});
        l_q <= '{
            kernel_h: pool_i.kernel_h,
            kernel_w: pool_i.kernel_w,
            blocks: pool_i.blocks,
            out_h: pool_i.out_h,
            out_w: pool_i.out_w,
            in_h: pool_i.in_h,
            in_w: pool_i.in_w,
            stride_y: pool_i.stride_y,
            stride_x: pool_i.stride_x,
            iy: -coord_t'({12'd0, pool_i.pad_top}),
            ix: -coord_t'({12'd0, pool_i.pad_left}),
            step_x: pos_t'(pool_i.stride_x) <<< KShift,
            step_y: pos_t'(pool_i.stride_y) * pos_t'(pool_i.in_pitch),
            a_pitch: pool_i.in_pitch,
            a_plane: pool_i.in_plane,
            b_plane: '0,
            b_pitch: '0,
            b_step: '0,
            out_plane: pool_i.out_plane,
            out_pitch: pool_i.out_pitch,
            out_step: pool_i.out_step
        };
      end
    end else if (step_i) begin
      if (!kx_end) begin
        kx_q <= kx_q + 12'd1;
        a_q  <= a_q + pos_t'(KLanes);
        ix_q <= ix_q + 20'sd1;
      end else if (!tap_end) begin
        kx_q    <= '0;
        ky_q    <= ky_q + 12'd1;
        a_tap_q <= a_tap_q + pos_t'(l_q.a_pitch);
        a_q     <= a_tap_q + pos_t'(l_q.a_pitch);
        iy_q    <= iy_q + 20'sd1;
        ix_q    <= ix_pixel_q;
      end else begin
        kx_q <= '0;
        ky_q <= '0;
        if (!row_end) begin
          ox_q       <= ox_q + 12'd1;
          a_pixel_q  <= a_pixel_q + l_q.step_x;
          a_tap_q    <= a_pixel_q + l_q.step_x;
          a_q        <= a_pixel_q + l_q.step_x;
          iy_q       <= iy_row_q;
          ix_pixel_q <= ix_pixel_q + coord_t'({12'd0, l_q.stride_x});
          ix_q       <= ix_pixel_q + coord_t'({12'd0, l_q.stride_x});
          b_q        <= b_q + place_t'(l_q.b_step);
          out_q      <= out_q + place_t'(l_q.out_step);
        end else if (!tile_end) begin
          ox_q       <= '0;
          oy_q       <= oy_q + 12'd1;
          a_row_q    <= a_row_q + l_q.step_y;
          a_pixel_q  <= a_row_q + l_q.step_y;
          a_tap_q    <= a_row_q + l_q.step_y;
          a_q        <= a_row_q + l_q.step_y;
          iy_row_q   <= iy_row_q + coord_t'({12'd0, l_q.stride_y});
          iy_q       <= iy_row_q + coord_t'({12'd0, l_q.stride_y});
          ix_pixel_q <= l_q.ix;
          ix_q       <= l_q.ix;
          b_row_q    <= b_row_q + place_t'(l_q.b_pitch);
          b_q        <= b_row_q + place_t'(l_q.b_pitch);
          out_row_q  <= out_row_q + place_t'(l_q.out_pitch);
          out_q      <= out_row_q + place_t'(l_q.out_pitch);
        end else begin
          ox_q        <= '0;
          oy_q        <= '0;
          block_q     <= block_q + 12'd1;
          a_block_q   <= a_block_q + pos_t'(l_q.a_plane);
          a_row_q     <= a_block_q + pos_t'(l_q.a_plane);
          a_pixel_q   <= a_block_q + pos_t'(l_q.a_plane);
          a_tap_q     <= a_block_q + pos_t'(l_q.a_plane);
          a_q         <= a_block_q + pos_t'(l_q.a_plane);
          iy_row_q    <= l_q.iy;
          iy_q        <= l_q.iy;
          ix_pixel_q  <= l_q.ix;
          ix_q        <= l_q.ix;
          b_block_q   <= b_block_q + place_t'(l_q.b_plane);
          b_row_q     <= b_block_q + place_t'(l_q.b_plane);
          b_q         <= b_block_q + place_t'(l_q.b_plane);
          out_block_q <= out_block_q + place_t'(l_q.out_plane);
          out_row_q   <= out_block_q + place_t'(l_q.out_plane);
          out_q       <= out_block_q + place_t'(l_q.out_plane);
        end
      end
    end
  end

  logic unused_fields;
  assign unused_fields = ^{pool_i, add_i};

  ////////////////
  // Assertions //
  ////////////////

  `ASSERT(LoadOnlyWhenDone, load_i |-> !active_q)
  `ASSERT(StepOnlyWhenActive, step_i |-> active_q)
  `ASSERT(InsideIsNotNegative, active_q && inside_o |-> a_q >= 0)

endmodule

`default_nettype wire

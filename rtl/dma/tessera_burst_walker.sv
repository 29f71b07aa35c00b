// SPDX-License-Identifier: Apache-2.0
//
// Cuts a transfer (planes x rows x bytes) into AXI bursts: at most BurstBeats long, never across a
// 4 KiB page, inside an open window with the right permission and inside the SRAM. One burst per
// cycle; the next transfer follows without a gap.
//
//   transfer ─► check fields ─► plane / row / burst loops ─► check window, SRAM ─► burst stream
//
// A transfer that breaks a rule, or a burst outside its window or SRAM, raises error_o for one cycle
// and stops the walker until reset; the offending burst never leaves.
`default_nettype none

`include "assert.svh"

module tessera_burst_walker
  import tessera_isa_pkg::*;
  import tessera_pkg::*;
#(
  parameter int unsigned BusBytes    = 16,
  parameter int unsigned BurstBeats  = 16,
  parameter int unsigned ActBytes    = 131072,
  parameter int unsigned WeightBytes = 65536,
  parameter int unsigned ParamBytes  = 8192,
  parameter int unsigned TableBytes  = 1024,
  parameter bit          Write       = 1'b0
) (
  input  logic                    clk_i,
  input  logic                    rst_ni,
  input  window_t   [WINDOWS-1:0] window_i,
  input  logic                    halt_i,
  // From the unit's queue.
  input  logic                    valid_i,
  output logic                    ready_o,        // comb. from burst_ready_i
  input  transfer_t               transfer_i,
  // To the bus.
  output logic                    burst_valid_o,
  input  logic                    burst_ready_i,
  output burst_t                  burst_o,
  output logic                    busy_o,
  output id_t                     id_o,
  output logic                    error_valid_o,
  output error_t                  error_o
);

  localparam int unsigned BusShift = $clog2(BusBytes);
  localparam int unsigned BurstBytes = BurstBeats * BusBytes;
  localparam int unsigned PageBits = $clog2(PAGE_BYTES);

  // Positions have a carry: one that leaves its range is an error, it never comes round again.
  typedef logic [OFFSET_BITS:0] offset_t;

  // The transfer at work; `*_q` positions of the next burst.
  transfer_t t_q;
  logic      busy_q;
  logic      stopped_q;
  logic [15:0] planes_left_q, rows_left_q;
  offset_t plane_q, row_q, offset_q;
  place_t sram_plane_q, sram_row_q, sram_q;
  logic [23:0] left_q;

  // Field rules of LOAD and STORE (accel/rules.py).
  function automatic logic legal(transfer_t t);
    return t.row_bytes != '0 && t.rows != '0 && t.planes != '0 && t.window < 4'(WINDOWS)
        && t.sram <= SRAM_TABLE
        && (t.offset[BusShift-1:0] | t.sram_addr[BusShift-1:0] | t.row_bytes[BusShift-1:0]
          | t.row_stride[BusShift-1:0] | t.sram_row_stride[BusShift-1:0]
          | t.plane_stride[BusShift-1:0] | t.sram_plane_stride[BusShift-1:0]) == '0;
  endfunction

  ////////////////////
  // The next burst //
  ////////////////////

  window_t                     window;
  logic    [BUS_ADDR_BITS-1:0] address;
  logic    [       PageBits:0] to_page;
  logic    [             23:0] bytes;
  logic    [  OFFSET_BITS+1:0] stop;
  place_t                      limit;
  logic in_window, in_sram, inside_both;
  logic row_end, plane_end, transfer_end;

  assign window  = window_i[t_q.window[idx_width(WINDOWS)-1:0]];
  assign address = window.base + BUS_ADDR_BITS'(offset_q);
  assign to_page = (PageBits + 1)'(PAGE_BYTES) - {1'b0, address[PageBits-1:0]};

  always_comb begin
    bytes = 24'(BurstBytes);
    if (left_q < bytes) bytes = left_q;
    if (24'(to_page) < bytes) bytes = 24'(to_page);
  end

  always_comb begin
    unique case (t_q.sram)
      SRAM_WEIGHT: limit = place_t'(WeightBytes);
      SRAM_PARAM:  limit = place_t'(ParamBytes);
      SRAM_TABLE:  limit = place_t'(TableBytes);
      default:     limit = place_t'(ActBytes);
    endcase
  end

  assign stop = {1'b0, offset_q} + (OFFSET_BITS + 2)'(bytes);
  assign in_window = stop <= {2'b0, window.size} && (Write ? window.write : window.read);
  assign in_sram = sram_q < limit && place_t'(bytes) <= limit - sram_q;
  assign inside_both = in_window && in_sram;
  assign row_end = bytes == left_q;
  assign plane_end = row_end && rows_left_q == 16'd1;
  assign transfer_end = plane_end && planes_left_q == 16'd1;

  assign burst_valid_o = busy_q && inside_both && !halt_i && !stopped_q;
  assign burst_o = '{
          id: t_q.id,
          sram: t_q.sram,
          sram_addr: sram_q[ADDR_BITS-1:0],
          address: address,
          beats: 8'((bytes >> BusShift) - 24'd1),
          last: transfer_end
      };

  logic fire, take;

  assign fire    = burst_valid_o && burst_ready_i;
  assign ready_o = !halt_i && !stopped_q && (!busy_q || (fire && transfer_end));
  assign take    = valid_i && ready_o;
  assign busy_o  = busy_q;
  assign id_o    = busy_q ? t_q.id : transfer_i.id;

  always_comb begin
    error_valid_o = 1'b0;
    error_o       = NO_ERROR;
    if (!halt_i && !stopped_q) begin
      if (busy_q && !inside_both) begin
        error_valid_o = 1'b1;
        // What the data come from is checked first.
        if (!in_sram && (Write || in_window)) begin
          error_o = '{
              cause: CAUSE_SRAM_RANGE,
              id: t_q.id,
              info: 32'((sram_q < limit) ? limit : sram_q)
          };
        end else begin
          error_o = '{cause: CAUSE_WINDOW, id: t_q.id, info: offset_q[OFFSET_BITS-1:0]};
        end
      end else if (take) begin
        if (!legal(transfer_i)) begin
          error_valid_o = 1'b1;
          error_o = '{cause: CAUSE_FIELD, id: transfer_i.id, info: 32'd0};
        end
      end
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q    <= 1'b0;
      stopped_q <= 1'b0;
    end else begin
      if (error_valid_o) stopped_q <= 1'b1;
      if (take) busy_q <= legal(transfer_i);
      else if (fire && transfer_end) busy_q <= 1'b0;
    end
  end

  // Positions need no reset: they are qualified by busy_q.
  always_ff @(posedge clk_i) begin
    if (take) begin
      t_q           <= transfer_i;
      planes_left_q <= transfer_i.planes;
      rows_left_q   <= transfer_i.rows;
      plane_q       <= offset_t'(transfer_i.offset);
      row_q         <= offset_t'(transfer_i.offset);
      offset_q      <= offset_t'(transfer_i.offset);
      sram_plane_q  <= place_t'(transfer_i.sram_addr);
      sram_row_q    <= place_t'(transfer_i.sram_addr);
      sram_q        <= place_t'(transfer_i.sram_addr);
      left_q        <= transfer_i.row_bytes;
    end else if (fire) begin
      if (!row_end) begin
        offset_q <= offset_q + offset_t'(bytes);
        sram_q   <= sram_q + place_t'(bytes);
        left_q   <= left_q - bytes;
      end else if (!plane_end) begin
        rows_left_q <= rows_left_q - 16'd1;
        row_q       <= row_q + offset_t'(t_q.row_stride);
        offset_q    <= row_q + offset_t'(t_q.row_stride);
        sram_row_q  <= sram_row_q + place_t'(t_q.sram_row_stride);
        sram_q      <= sram_row_q + place_t'(t_q.sram_row_stride);
        left_q      <= t_q.row_bytes;
      end else begin
        planes_left_q <= planes_left_q - 16'd1;
        rows_left_q   <= t_q.rows;
        plane_q       <= plane_q + offset_t'(t_q.plane_stride);
        row_q         <= plane_q + offset_t'(t_q.plane_stride);
        offset_q      <= plane_q + offset_t'(t_q.plane_stride);
        sram_plane_q  <= sram_plane_q + place_t'(t_q.sram_plane_stride);
        sram_row_q    <= sram_plane_q + place_t'(t_q.sram_plane_stride);
        sram_q        <= sram_plane_q + place_t'(t_q.sram_plane_stride);
        left_q        <= t_q.row_bytes;
      end
    end
  end

  ////////////////
  // Assertions //
  ////////////////

  `ASSERT(
      BurstInPage,
      burst_valid_o |-> ((address ^ (address + BUS_ADDR_BITS'(bytes) - 1'b1)) >> PageBits) == '0)
  `ASSERT(BurstInWindow, burst_valid_o |-> stop <= {2'b0, window.size})

endmodule

`default_nettype wire

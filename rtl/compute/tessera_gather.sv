// SPDX-License-Identifier: Apache-2.0
//
// Which words of the ACT SRAM a read of the pixel walker takes. Combinational.
//
//   DENSE       one word: K channels of the pixel under the kernel tap
//   DEPTHWISE   a column (or two side by side) of the pass's kernel rows
//   FOLD        K bytes of kernel rows that lie end to end: from each row at most two words
//
// Row r of a pass is `step_row` further than row r - 1. In FOLD mode `at_i` is where lane 0 would
// read in the first row; in row r the lanes go on where row r - 1 ended, so that lane 0 would be
// fold_bytes to the left:
//
//   kernel row       0          1          2            fold_bytes = 6, K = 16
//                    aaaaaa     bbbbbb     cccccc
//   lanes of pass 0  aaaaaabbbbbbcccc                   offset_i = 0
//   lanes of pass 1  cc..                               offset_i = 4
//
// Rows below the kernel, and rows and columns outside of the input, are not read: padding.
`default_nettype none

`include "assert.svh"

module tessera_gather
  import tessera_isa_pkg::*;
  import tessera_pkg::*;
  import tessera_conv_pkg::*;
#(
  parameter int unsigned KLanes = 16,
  parameter int unsigned ActBytes = 131072
) (
  input  pixel_job_t         job_i,
  input  pos_t               at_i,
  input  coord_t             iy_i,
  input  coord_t             ix_i,
  input  logic         [7:0] row_i,       // kernel row of the first row read
  input  logic         [7:0] offset_i,    // FOLD: byte of that kernel row on lane 0
  input  logic               two_i,       // DEPTHWISE: two columns
  // Reads.
  output gather_mask_t       present_o,
  output gather_addr_t       addr_o,      // of the left word
  output logic               in_range_o,
  output pos_t               bad_o,       // an address out of range
  // Operand.
  output feed_t              feed_o
);

  localparam int unsigned WordBits = $clog2(KLanes);
  localparam pos_t Lanes = pos_t'(KLanes);

  gather_mask_t present;
  lane_run_t [GATHER_ROWS-1:0] runs;

  function automatic logic row_below(coord_t y);
    return y < coord_t'({8'd0, job_i.in_h});
  endfunction

  function automatic logic column_there(coord_t x);
    return x >= 0 && x < coord_t'({4'd0, job_i.in_w});
  endfunction

  function automatic logic outside(pos_t at);
    return at < 0 || at >= pos_t'(ActBytes);
  endfunction

  // The dense mode, in which networks spend most cycles, has only the first row to look at: its own
  // branch spares a simulator the others.
  always_comb begin : p_gather
    pos_t   at       [GATHER_ROWS];
    logic   row_there[GATHER_ROWS];
    coord_t y, low, high, left, stop, shift;
    pos_t place;
    present    = '0;
    runs       = '0;
    in_range_o = 1'b1;
    bad_o      = at_i;
    addr_o     = '0;
    addr_o[0]  = {at_i[$bits(addr_o[0])-1:WordBits], WordBits'(0)};
    y          = iy_i;
    place      = at_i;
    low        = '0;
    high       = '0;
    left       = '0;
    stop       = '0;
    shift      = '0;
    for (int unsigned r = 0; r < GATHER_ROWS; r++) begin
      at[r]        = at_i;
      row_there[r] = 1'b0;
    end
    if (job_i.mode == MODE_DENSE) begin
      present[0][0] = row_i < job_i.kernel_h && iy_i >= 0 && row_below(iy_i) && column_there(ix_i);
      in_range_o    = !present[0][0] || !outside(at_i);
    end else begin
      for (int unsigned r = 0; r < GATHER_ROWS; r++) begin
        at[r] = place;
        row_there[r] = 3'(r) < job_i.pass_rows && 9'(row_i) + 9'(r) < 9'(job_i.kernel_h)
                       && y >= 0 && row_below(y);
        y = y + coord_t'({14'd0, job_i.dilation_y});
        place = place + job_i.step_row;
      end
      if (job_i.mode == MODE_FOLD) begin
        // Row r covers lanes r * fold_bytes - offset_i and up, as far as the input goes.
        low  = -coord_t'({12'd0, offset_i});
        left = ix_i;
        for (int unsigned r = 0; r < GATHER_ROWS; r++) begin
          high  = low + coord_t'({12'd0, job_i.fold_bytes});
          shift = coord_t'(at[r][WordBits-1:0]);
          stop  = coord_t'({4'd0, job_i.in_w}) - left;
          if (low < 0) low = '0;
          if (low < -left) low = -left;
          if (stop > high) stop = high;
          if (stop > coord_t'(KLanes)) stop = coord_t'(KLanes);
          if (row_there[r] && low < stop) begin
            runs[r]       = '{first: 6'(low), stop: 6'(stop), shift: 5'(shift)};
            present[r][0] = low + shift < coord_t'(KLanes);
            present[r][1] = stop + shift > coord_t'(KLanes);
          end
          low  = high;
          left = left - coord_t'({12'd0, job_i.fold_bytes});
        end
      end else begin
        for (int unsigned r = 0; r < GATHER_ROWS; r++) begin
          present[r][0] = row_there[r] && column_there(ix_i);
          present[r][1] = row_there[r] && two_i && column_there(ix_i + coord_t'(1));
        end
      end
      for (int unsigned r = 0; r < GATHER_ROWS; r++) begin
        addr_o[r] = {at[r][$bits(addr_o[r])-1:WordBits], WordBits'(0)};
        if ((present[r][0] && outside(at[r])) || (present[r][1] && outside(at[r] + Lanes))) begin
          in_range_o = 1'b0;
          bad_o      = at[r];
        end
      end
    end
  end

  logic unused_job;
  assign unused_job = ^job_i;

  assign present_o = present;
  assign feed_o = '{
          mode: job_i.mode,
          present: present,
          runs: runs,
          rows: job_i.pass_rows,
          kernel_w: job_i.kernel_w,
          two: two_i,
          zp: job_i.in_zp,
          centered: job_i.centered
      };

endmodule

`default_nettype wire

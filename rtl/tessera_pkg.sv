// SPDX-License-Identifier: Apache-2.0
//
// Types that several modules share. Hardware sizes are module parameters, not here.
`default_nettype none

package tessera_pkg;

  import tessera_isa_pkg::*;

  parameter int unsigned ADDR_BITS = 24;  // SRAM byte addresses in commands
  parameter int unsigned OFFSET_BITS = 32;  // offsets in a memory window
  parameter int unsigned BUS_ADDR_BITS = 64;
  parameter int unsigned WINDOWS = 4;
  parameter int unsigned SHIFT_MAX = 62;  // of the rounding right shift
  parameter int unsigned PAGE_BYTES = 4096;  // an AXI burst must not cross one

  typedef logic [ADDR_BITS-1:0] addr_t;
  typedef logic [ID_BITS-1:0] id_t;
  // SRAM position with a carry: one beyond the memory stays beyond it, it never wraps round.
  typedef logic [ADDR_BITS:0] place_t;

  // The conv unit gathers, for each of several kernel rows, a word and its right neighbour.
  typedef logic [GATHER_ROWS-1:0][1:0] gather_mask_t;
  typedef addr_t [GATHER_ROWS-1:0] gather_addr_t;  // of the left words

  // What went wrong; latched by the front end.
  typedef struct packed {
    cause_e      cause;
    id_t         id;
    logic [31:0] info;
  } error_t;
  parameter error_t NO_ERROR = '{cause: CAUSE_NONE, id: '0, info: '0};

  // A memory window as the CSRs describe it.
  typedef struct packed {
    logic [BUS_ADDR_BITS-1:0] base;
    logic [OFFSET_BITS-1:0]   size;
    logic                     read;
    logic                     write;
  } window_t;

  // The part of LOAD and STORE that the DMA walks.
  typedef struct packed {
    id_t                    id;
    sram_e                  sram;
    logic [3:0]             window;
    logic [OFFSET_BITS-1:0] offset;
    addr_t                  sram_addr;
    logic [23:0]            row_bytes;
    logic [15:0]            rows;
    logic [31:0]            row_stride;
    addr_t                  sram_row_stride;
    logic [15:0]            planes;
    logic [31:0]            plane_stride;
    addr_t                  sram_plane_stride;
  } transfer_t;

  // One AXI burst of a transfer.
  typedef struct packed {
    id_t                      id;
    sram_e                    sram;
    addr_t                    sram_addr;
    logic [BUS_ADDR_BITS-1:0] address;
    logic [7:0]               beats;      // minus one, as in AxLEN
    logic                     last;       // of the transfer
  } burst_t;

  // Zero point and clip after a rounding shift.
  typedef struct packed {
    logic signed [7:0] zp;
    logic signed [7:0] lo;
    logic signed [7:0] hi;
  } tail_t;

  // Bits that count 0 to n-1, at least 1.
  function automatic int unsigned idx_width(int unsigned n);
    return (n > 1) ? unsigned'($clog2(n)) : 1;
  endfunction

  // Rounding shift, half up, by 1 to 62 bits, then zero point and clip (accel/numerics.py).
  function automatic logic signed [7:0] round_and_clip(logic signed [63:0] value, logic [5:0] shift,
                                                       tail_t tail);
    logic signed [63:0] y;
    y = ((value + (64'sd1 <<< (shift - 6'd1))) >>> shift) + 64'(tail.zp);
    if (y > 64'(tail.hi)) return tail.hi;
    if (y < 64'(tail.lo)) return tail.lo;
    return y[7:0];
  endfunction

  // Two roundings (`round_shift_twice`): by 31 half up, then half away from zero. A shift below 31
  // rounds once.
  function automatic logic signed [63:0] round_twice(logic signed [63:0] value, logic [5:0] shift);
    logic signed [63:0] y;
    logic [5:0] first, rest;
    first = (shift < 6'd31) ? shift : 6'd31;
    rest = shift - first;
    y = (value + (64'sd1 <<< (first - 6'd1))) >>> first;
    if (rest != '0) y = (y + (64'sd1 <<< (rest - 6'd1)) - ((y < 0) ? 64'sd1 : 64'sd0)) >>> rest;
    return y;
  endfunction

  function automatic logic signed [7:0] round_twice_and_clip(logic signed [63:0] value,
                                                             logic [5:0] shift, tail_t tail);
    logic signed [63:0] y;
    y = round_twice(value, shift) + 64'(tail.zp);
    if (y > 64'(tail.hi)) return tail.hi;
    if (y < 64'(tail.lo)) return tail.lo;
    return y[7:0];
  endfunction

  // What a command at the head of a queue waits for: the first missing token, WAIT_RUN if none.
  function automatic wait_e token_wait(logic [QUEUES-1:0] met);
    if (!met[2'(UNIT_LOAD)]) return WAIT_DEP_LOAD;
    if (!met[2'(UNIT_CONV)]) return WAIT_DEP_CONV;
    if (!met[2'(UNIT_VECTOR)]) return WAIT_DEP_VECTOR;
    if (!met[2'(UNIT_STORE)]) return WAIT_DEP_STORE;
    return WAIT_RUN;
  endfunction

endpackage

`default_nettype wire

// SPDX-License-Identifier: Apache-2.0
//
// Fills the shadow weights: K rows of N weights per tile, one row per cycle, tile after tile.
//
//   cycle        c     c+1   ...   c+K-1   c+K
//   swap_i       1     0           0       1        pixel 0 of a pass is issued
//   read row     0     1           K-1     0'       WEIGHT SRAM, data one cycle later
//   loaded_o     1     0           0       1        shadow holds (or is just getting) a whole tile
//
// The swap moves shadow to active one cycle after swap_i, together with the pixel, so row 0 of the
// next tile may be read in the cycle of swap_i: passes follow each other every K cycles.
`default_nettype none

`include "assert.svh"

module tessera_weight_walker
  import tessera_isa_pkg::*;
  import tessera_pkg::*;
  import tessera_conv_pkg::*;
#(
  parameter int unsigned KLanes = 16,
  parameter int unsigned NLanes = 16,
  parameter int unsigned WeightBytes = 65536
) (
  input  logic                             clk_i,
  input  logic                             rst_ni,
  // From issue.
  input  logic                             valid_i,
  output logic                             ready_o,
  input  weight_job_t                      job_i,
  // From the pixel walker.
  input  logic                             swap_i,
  output logic                             loaded_o,       // registered
  // WEIGHT SRAM.
  output logic                             rd_req_o,       // comb. from swap_i
  output addr_t                            rd_addr_o,
  // To the dot product: index and form of the word that arrives now.
  output logic                             row_valid_o,
  output logic        [$clog2(KLanes)-1:0] row_o,
  output weight_form_t                     row_form_o,
  output logic                             busy_o,
  output logic                             error_valid_o,
  output error_t                           error_o
);

  localparam int unsigned RowBits = $clog2(KLanes);

  logic head_valid, head_pop;
  weight_job_t       head;
  logic        [1:0] unused_count;
  logic              fresh_q;  // the head's first tile is still to be read
  addr_t addr_q, addr;
  logic [31:0] tiles_q, tiles;
  logic [  RowBits:0] rows_q;  // rows of the shadow's tile that were read
  logic [RowBits-1:0] row;
  logic full, want, in_range, row_end;
  logic stopped_q, row_valid_q;
  logic [RowBits-1:0] row_q;
  weight_form_t form_q;

  tessera_fifo #(
    .Depth (2),
    .data_t(weight_job_t)
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

  assign full          = rows_q == (RowBits + 1)'(KLanes);
  assign row           = swap_i ? '0 : RowBits'(rows_q);
  assign addr          = fresh_q ? head.addr : addr_q;
  assign tiles         = fresh_q ? head.tiles : tiles_q;
  assign want          = head_valid && (!full || swap_i) && !stopped_q;
  assign in_range      = addr < addr_t'(WeightBytes);
  assign row_end       = row == RowBits'(KLanes - 1);

  assign rd_req_o      = want && in_range;
  assign rd_addr_o     = addr;
  assign head_pop      = rd_req_o && row_end && tiles == 32'd1;
  assign loaded_o      = full;
  assign row_valid_o   = row_valid_q;
  assign row_o         = row_q;
  assign row_form_o    = form_q;
  assign busy_o        = head_valid;

  assign error_valid_o = want && !in_range;
  assign error_o = !error_valid_o ? NO_ERROR :
                   '{cause: CAUSE_SRAM_RANGE, id: head.id, info: 32'(addr)};

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      fresh_q     <= 1'b1;
      rows_q      <= '0;
      row_valid_q <= 1'b0;
      stopped_q   <= 1'b0;
    end else begin
      row_valid_q <= rd_req_o;
      if (error_valid_o) stopped_q <= 1'b1;
      if (rd_req_o) begin
        fresh_q <= head_pop;
        rows_q  <= (RowBits + 1)'(row) + 1'b1;
      end else if (swap_i) begin
        rows_q <= '0;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (rd_req_o) begin
      row_q   <= row;
      form_q  <= head.form;
      addr_q  <= addr + addr_t'(NLanes);
      tiles_q <= row_end ? tiles - 32'd1 : tiles;
    end
  end

  ////////////////
  // Assertions //
  ////////////////

  `ASSERT(TileLeft, rd_req_o |-> tiles != '0)
  `ASSERT(RowsOfOneTile, rows_q <= (RowBits + 1)'(KLanes))
  `ASSERT(SwapOnlyWhenLoaded, swap_i |-> loaded_o)

endmodule

`default_nettype wire

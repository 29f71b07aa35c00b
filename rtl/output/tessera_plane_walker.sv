// SPDX-License-Identifier: Apache-2.0
//
// Addresses of an output-shaped tile: for each n-block, row and pixel the WordsPerVector words of a
// vector, which lie in consecutive planes. Pure address arithmetic, one step per cycle.
//
// The position has a carry. The user stops at the first one out of range, so it never wraps.
`default_nettype none

module tessera_plane_walker
  import tessera_pkg::*;
#(
  parameter int unsigned WordsPerVector = 1
) (
  input  logic         clk_i,
  // Start of a job.
  input  logic         load_i,
  input  addr_t        base_i,
  input  addr_t        plane_i,
  input  logic  [19:0] pitch_i,
  input  logic  [19:0] pixel_i,
  // One step: to the next word, or to the next pixel, row or n-block where that word was the last.
  input  logic         step_i,
  input  logic         word_end_i,
  input  logic         row_end_i,
  input  logic         tile_end_i,
  output place_t      addr_o  // registered
);

  localparam int unsigned VectorShift = $clog2(WordsPerVector);

  place_t n_q, row_q, pixel_q, addr_q;
  place_t plane;

  assign addr_o = addr_q;
  assign plane  = place_t'(plane_i);

  always_ff @(posedge clk_i) begin
    if (load_i) begin
      n_q     <= place_t'(base_i);
      row_q   <= place_t'(base_i);
      pixel_q <= place_t'(base_i);
      addr_q  <= place_t'(base_i);
    end else if (step_i) begin
      if (!word_end_i) begin
        addr_q <= addr_q + plane;
      end else if (!row_end_i) begin
        pixel_q <= pixel_q + place_t'(pixel_i);
        addr_q  <= pixel_q + place_t'(pixel_i);
      end else if (!tile_end_i) begin
        row_q   <= row_q + place_t'(pitch_i);
        pixel_q <= row_q + place_t'(pitch_i);
        addr_q  <= row_q + place_t'(pitch_i);
      end else begin
        n_q     <= n_q + (plane << VectorShift);
        row_q   <= n_q + (plane << VectorShift);
        pixel_q <= n_q + (plane << VectorShift);
        addr_q  <= n_q + (plane << VectorShift);
      end
    end
  end

endmodule

`default_nettype wire

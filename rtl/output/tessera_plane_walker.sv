// SPDX-License-Identifier: Apache-2.0
//
// Addresses of an output-shaped tile: for each n-block, row and pixel the WordsPerVector words of a
// vector, which lie in consecutive planes. Pure address arithmetic, one step per cycle.
`default_nettype none

module tessera_plane_walker
  import tessera_pkg::*;
#(
  parameter int unsigned KLanes = 16,
  parameter int unsigned WordsPerVector = 1
) (
  input  logic         clk_i,
  // Start of a job.
  input  logic         load_i,
  input  addr_t        base_i,
  input  addr_t        plane_i,
  input  logic  [19:0] pitch_i,
  // One step: to the next word, or to the next pixel, row or n-block where that word was the last.
  input  logic         step_i,
  input  logic         word_end_i,
  input  logic         row_end_i,
  input  logic         tile_end_i,
  output addr_t        addr_o       // registered
);

  localparam int unsigned VectorShift = $clog2(WordsPerVector);

  addr_t n_q, row_q, pixel_q, addr_q;

  assign addr_o = addr_q;

  always_ff @(posedge clk_i) begin
    if (load_i) begin
      n_q     <= base_i;
      row_q   <= base_i;
      pixel_q <= base_i;
      addr_q  <= base_i;
    end else if (step_i) begin
      if (!word_end_i) begin
        addr_q <= addr_q + plane_i;
      end else if (!row_end_i) begin
        pixel_q <= pixel_q + addr_t'(KLanes);
        addr_q  <= pixel_q + addr_t'(KLanes);
      end else if (!tile_end_i) begin
        row_q   <= row_q + addr_t'(pitch_i);
        pixel_q <= row_q + addr_t'(pitch_i);
        addr_q  <= row_q + addr_t'(pitch_i);
      end else begin
        n_q     <= n_q + (plane_i << VectorShift);
        row_q   <= n_q + (plane_i << VectorShift);
        pixel_q <= n_q + (plane_i << VectorShift);
        addr_q  <= n_q + (plane_i << VectorShift);
      end
    end
  end

endmodule

`default_nettype wire

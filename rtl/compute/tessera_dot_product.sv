// SPDX-License-Identifier: Apache-2.0
//
// The array: K x N multipliers, weight-stationary. In S1, at the first pixel of a pass, the shadow
// weights become active; in S2 every output lane sums K products; sums_o is valid in S3. One pixel
// per cycle, latency 2.
//
//   x[0] ─►( w[0][0] w[0][1] .. w[0][N-1] )
//   x[1] ─►( w[1][0] w[1][1] .. w[1][N-1] )     sums[n] = sum over k of x[k] * w[k][n]
//    ..
//
// Weights and operands have 9 bits: differences from their zero points. A weight tile arrives by
// input lanes, or `transposed` by output lanes.
//
// In depthwise mode lane (k, n) multiplies taps[k][n]: kernel tap k of channel n.
//
// Written with the lanes innermost and evaluated under the enable: a simulator vectorizes it. For
// timing, synthesis may retime the K-deep sum; pipeline registers belong between groups of K.
`default_nettype none

`include "assert.svh"

module tessera_dot_product
  import tessera_conv_pkg::*;
#(
  parameter int unsigned KLanes = 16,
  parameter int unsigned NLanes = 16,
  parameter bit Depthwise = 1'b1
) (
  input  logic                                  clk_i,
  input  logic                                  rst_ni,
  // Shadow weights.
  input  logic                                  row_valid_i,
  input  logic        [$clog2(KLanes)-1:0]      row_i,
  input  logic        [        NLanes-1:0][7:0] row_data_i,
  input  weight_form_t                          row_form_i,
  // S1.
  input  logic                                  valid_i,
  input  logic                                  swap_i,
  // S2.
  input  logic signed [               8:0]      x_i        [KLanes],
  input  logic signed [               7:0]      taps_i     [KLanes] [KLanes],
  input  logic                                  depthwise_i,
  // S3.
  output logic                                  valid_o,
  output logic signed [              31:0]      sums_o     [NLanes]
);

  // Active weights are kept with their signs extended: a simulator need not do it in every cycle,
  // and synthesis merges the equal bits.
  logic signed [31:0] active_q[KLanes] [NLanes];
  logic signed [31:0] sums_q  [NLanes];
  logic s2_valid_q, s3_valid_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      s2_valid_q <= 1'b0;
      s3_valid_q <= 1'b0;
    end else begin
      s2_valid_q <= valid_i;
      s3_valid_q <= s2_valid_q;
    end
  end

  // Weights and operands need no reset: they are qualified by the valid bits.
  // The shadow weights are registers that only this process sees: read first, then written.
  always_ff @(posedge clk_i) begin : p_weights
    logic signed [31:0] shadow[KLanes][NLanes];
    if (swap_i) active_q <= shadow;
    if (row_valid_i && row_form_i.transposed) begin
      // Transposed means N = K; the modulo lets other arrays elaborate.
      for (int unsigned k = 0; k < KLanes; k++) begin
        shadow[k][$clog2(NLanes)'(row_i)] = 32'(signed'(row_data_i[k%NLanes])) - 32'(row_form_i.zp);
      end
    end else if (row_valid_i) begin
      for (int unsigned n = 0; n < NLanes; n++) begin
        shadow[row_i][n] = 32'(signed'(row_data_i[n])) - 32'(row_form_i.zp);
      end
    end
  end

  always_ff @(posedge clk_i) begin : p_array
    logic signed [31:0] sums[NLanes];
    if (s2_valid_q) begin
      for (int unsigned n = 0; n < NLanes; n++) sums[n] = '0;
      if (Depthwise && depthwise_i) begin
        for (int unsigned k = 0; k < KLanes; k++) begin
          /*verilator unroll_disable*/ for (int unsigned n = 0; n < NLanes; n++) begin
            // Depthwise means N = K; the modulo lets other arrays elaborate.
            sums[n] = sums[n] + 32'(taps_i[k][n%KLanes]) * active_q[k][n];
          end
        end
      end else begin
        for (int unsigned k = 0; k < KLanes; k++) begin
          /*verilator unroll_disable*/ for (int unsigned n = 0; n < NLanes; n++) begin
            sums[n] = sums[n] + 32'(x_i[k]) * active_q[k][n];
          end
        end
      end
      sums_q <= sums;
    end
  end

  assign valid_o = s3_valid_q;
  assign sums_o  = sums_q;

  ////////////////
  // Assertions //
  ////////////////

  `ASSERT(SwapWithPixel, swap_i |-> valid_i)
  // Only row 0 of the next tile may arrive with the swap: the tile that becomes active is whole.
  `ASSERT(WholeTileSwaps, swap_i && row_valid_i |-> row_i == '0)

endmodule

`default_nettype wire

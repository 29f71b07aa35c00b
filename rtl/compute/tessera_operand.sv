// SPDX-License-Identifier: Apache-2.0
//
// Makes the array's operand from gathered words: registers at the end of S1, used in S2.
//
//   DENSE       x[k] = channel k of the pixel, less the zero point if centered
//   FOLD        x[k] = byte k of the pass's kernel rows, rotated and merged from the word pairs
//   DEPTHWISE   taps[k] = a word of N channels for each kernel tap; lane column * rows + row.
//               New columns push the window to the left:
//
//                 taps   a0 a1 a2 | b0 b1 b2 | c0 c1 c2        3 rows, 3 columns
//                 then   b0 b1 b2 | c0 c1 c2 | d0 d1 d2        after column d
//
// Lanes without a tap hold the zero point, as padding does. Whole arrays are assigned at once, from
// locals: a simulator would keep a flag for each element that is assigned on its own.
`default_nettype none

module tessera_operand
  import tessera_isa_pkg::*;
  import tessera_conv_pkg::*;
#(
  parameter int unsigned KLanes = 16,
  parameter bit Depthwise = 1'b1
) (
  input  logic                                                clk_i,
  // S1: words and what to do with them.
  input  logic                                                valid_i,
  input  feed_t                                               feed_i,
  input  logic         [KLanes-1:0][7:0]                      data_i [GATHER_ROWS][2],
  // S2.
  output logic signed [8:0]                                   x_o    [KLanes],
  output logic signed [7:0]                                   taps_o [KLanes][KLanes],
  output logic                                                depthwise_o
);

  logic signed [8:0] x_q[KLanes];

  always_ff @(posedge clk_i) begin : p_operand
    logic signed [8:0] x[KLanes];
    logic signed [8:0] center;
    logic [5:0] at;
    center = feed_i.centered ? 9'(feed_i.zp) : '0;
    if (valid_i && feed_i.mode == MODE_DENSE) begin
      if (feed_i.present[0][0]) begin
        for (int unsigned k = 0; k < KLanes; k++) x[k] = 9'(signed'(data_i[0][0][k])) - center;
      end else begin
        for (int unsigned k = 0; k < KLanes; k++) x[k] = 9'(feed_i.zp) - center;
      end
      x_q <= x;
    end else if (valid_i && feed_i.mode == MODE_FOLD) begin
      for (int unsigned k = 0; k < KLanes; k++) begin
        x[k] = 9'(feed_i.zp);
        for (int unsigned r = 0; r < GATHER_ROWS; r++) begin
          if (6'(k) >= feed_i.runs[r].first && 6'(k) < feed_i.runs[r].stop) begin
            at   = 6'(k) + 6'(feed_i.runs[r].shift);
            x[k] = 9'(signed'(data_i[r][at>=6'(KLanes)][at[$clog2(KLanes)-1:0]]));
          end
        end
      end
      x_q <= x;
    end
  end

  assign x_o = x_q;

  if (Depthwise) begin : gen_depthwise
    logic signed [7:0] taps_q[KLanes][KLanes];
    logic depthwise_q;

    always_ff @(posedge clk_i) begin
      if (valid_i) depthwise_q <= feed_i.mode == MODE_DEPTHWISE;
    end

    // The window is kept twice, for a simulator; synthesis merges equal registers.
    always_ff @(posedge clk_i) begin : p_window
      logic signed [7:0] window[KLanes][KLanes];
      logic signed [7:0] taps[KLanes][KLanes];
      logic [8:0] top, shift, from;
      logic column;
      logic [1:0] row;
      if (valid_i && feed_i.mode == MODE_DEPTHWISE) begin
        top   = 9'(feed_i.rows) * 9'(feed_i.kernel_w);
        shift = feed_i.two ? 9'(feed_i.rows) << 1 : 9'(feed_i.rows);
        for (int unsigned k = 0; k < KLanes; k++) begin
          from   = 9'(k) + shift;
          column = from >= top + 9'(feed_i.rows);
          row    = 2'(from - top - (column ? 9'(feed_i.rows) : '0));
          if (from < top) begin
            for (int unsigned n = 0; n < KLanes; n++)
            taps[k][n] = window[from[$clog2(KLanes)-1:0]][n];
          end else if (9'(k) < top && feed_i.present[row][column]) begin
            for (int unsigned n = 0; n < KLanes; n++) taps[k][n] = data_i[row][column][n];
          end else begin
            for (int unsigned n = 0; n < KLanes; n++) taps[k][n] = feed_i.zp;
          end
        end
        window = taps;
        taps_q <= taps;
      end
    end

    assign taps_o = taps_q;
    assign depthwise_o = depthwise_q;
  end else begin : gen_no_depthwise
    logic unused_feed;
    assign unused_feed = ^{feed_i.rows, feed_i.kernel_w, feed_i.two};
    for (genvar k = 0; k < KLanes; k++) begin : gen_tie
      for (genvar n = 0; n < KLanes; n++) begin : gen_lane
        assign taps_o[k][n] = '0;
      end
    end
    assign depthwise_o = 1'b0;
  end

endmodule

`default_nettype wire

// SPDX-License-Identifier: Apache-2.0
//
// Assembles command words into commands: word `i` of the window is kept until the last word of a
// command is written, which pushes the command. Words that are not written keep their old value.
// One word per cycle; only the last word can wait.
`default_nettype none

`include "assert.svh"

module tessera_command_port
  import tessera_isa_pkg::*;
#(
  parameter int unsigned IndexBits = 11
) (
  input  logic                    clk_i,
  input  logic                    rst_ni,
  // From the AXI4-Lite port.
  input  logic                    word_valid_i,
  output logic                    word_ready_o,  // comb. from cmd_ready_i
  input  logic [   IndexBits-1:0] word_index_i,
  input  logic [            31:0] word_i,
  // To the dispatcher.
  output logic                    cmd_valid_o,
  input  logic                    cmd_ready_i,
  output logic [COMMAND_BITS-1:0] cmd_o
);

  localparam int unsigned Last = COMMAND_WORDS - 1;

  logic [Last-1:0][31:0] words_q;
  logic                  is_last;

  assign is_last      = word_index_i == IndexBits'(Last);
  assign cmd_valid_o  = word_valid_i && is_last;
  assign cmd_o        = {word_i, words_q};
  assign word_ready_o = !is_last || cmd_ready_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      words_q <= '0;
    end else if (word_valid_i) begin
      for (int unsigned i = 0; i < Last; i++) begin
        if (word_index_i == IndexBits'(i)) words_q[i] <= word_i;
      end
    end
  end

  ////////////////
  // Assertions //
  ////////////////

  `ASSERT_STREAM(Command, cmd_valid_o, cmd_ready_i, cmd_o)
  `ASSERT(NoWordLost, word_valid_i && !word_ready_o |-> is_last)

endmodule

`default_nettype wire

// SPDX-License-Identifier: Apache-2.0
//
// Hands commands to the units' queues in program order and keeps the tokens.
//
//   command port ─► FIFO ─► decode ─► queue of its unit ─► unit
//                             │          head's wait_* against completed counts ─► dep_met
//                             └─ END: waits for its tokens and all units idle, then ends the stream
//
// One command per cycle; a full queue holds back all commands behind it. In the error state
// commands are taken and dropped, so the host never blocks.
`default_nettype none

`include "assert.svh"

module tessera_dispatcher
  import tessera_isa_pkg::*;
  import tessera_pkg::*;
#(
  parameter int unsigned QueueDepth = 8,
  parameter bit          Vector     = 1'b1
) (
  input  logic                                        clk_i,
  input  logic                                        rst_ni,
  input  logic                                        halt_i,
  // From the command port.
  input  logic                                        cmd_valid_i,
  output logic                                        cmd_ready_o,
  input  logic   [COMMAND_BITS-1:0]                   cmd_i,
  // To the units.
  output logic   [      QUEUES-1:0]                   unit_valid_o,
  input  logic   [      QUEUES-1:0]                   unit_ready_i,
  output logic   [      QUEUES-1:0][COMMAND_BITS-1:0] unit_cmd_o,
  output logic   [      QUEUES-1:0][      QUEUES-1:0] dep_met_o,
  input  logic   [      QUEUES-1:0]                   unit_done_i,
  input  logic   [      QUEUES-1:0]                   unit_idle_i,
  // To control and counters.
  output logic                                        stream_end_o,   // END is executed
  output logic                                        ending_o,       // END is the next command
  output logic                                        busy_o,
  output logic                                        moves_o,        // state changes, needs clk_i
  output logic   [             7:0]                   credits_o,
  output id_t                                         id_o,
  output wait_e                                       state_o,
  output logic   [      QUEUES-1:0][     ID_BITS-1:0] completed_o,
  output logic                                        error_valid_o,
  output error_t                                      error_o
);

  localparam int unsigned CountBits = idx_width(QueueDepth) + 1;

  typedef logic [COMMAND_BITS-1:0] cmd_t;

  /////////////////////
  // Next in program //
  /////////////////////

  logic head_valid, head_pop;
  cmd_t                        head;
  header_cmd_t                 header;
  logic        [CountBits-1:0] waiting;

  tessera_fifo #(
    .Depth (QueueDepth),
    .data_t(cmd_t)
  ) i_program (
    .clk_i,
    .rst_ni,
    .valid_i(cmd_valid_i),
    .ready_o(cmd_ready_o),
    .data_i (cmd_i),
    .valid_o(head_valid),
    .ready_i(head_pop),
    .data_o (head),
    .count_o(waiting)
  );

  assign header    = header_cmd_t'(head);
  assign credits_o = 8'(QueueDepth) - 8'(waiting);

  logic unused_header;
  assign unused_header = ^header.reserved;

  logic known, is_end;
  unit_e unit;

  always_comb begin
    known  = 1'b1;
    is_end = 1'b0;
    unit   = UNIT_DISPATCH;
    unique case (header.opcode)
      OP_END:   is_end = 1'b1;
      OP_LOAD:  unit = UNIT_LOAD;
      OP_STORE: unit = UNIT_STORE;
      OP_CONV:  unit = UNIT_CONV;
      OP_POOL, OP_ADD, OP_MUL: begin
        unit  = UNIT_VECTOR;
        known = Vector;
      end
      default:  known = 1'b0;
    endcase
  end

  ////////////
  // Tokens //
  ////////////

  // Tokens that a command waits for, by unit.
  function automatic logic [QUEUES-1:0][ID_BITS-1:0] waits(header_cmd_t h);
    return {h.wait_store, h.wait_vector, h.wait_conv, h.wait_load};
  endfunction

  logic [QUEUES-1:0][ID_BITS-1:0] issued_q, completed_q;
  logic [QUEUES-1:0][ID_BITS-1:0] head_waits;
  logic [QUEUES-1:0]              head_met;
  logic token_error, bad;
  logic [QUEUES-1:0] push, queue_ready;

  assign completed_o = completed_q;
  assign head_waits  = waits(header);

  always_comb begin
    token_error = 1'b0;
    for (int unsigned u = 0; u < QUEUES; u++) begin
      if (head_waits[u] > issued_q[u]) token_error = 1'b1;
      head_met[u] = completed_q[u] >= head_waits[u];
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      issued_q    <= '0;
      completed_q <= '0;
    end else if (stream_end_o) begin
      issued_q    <= '0;
      completed_q <= '0;
    end else begin
      for (int unsigned u = 0; u < QUEUES; u++) begin
        if (push[u] && queue_ready[u]) issued_q[u] <= issued_q[u] + 1'b1;
        if (unit_done_i[u]) completed_q[u] <= completed_q[u] + 1'b1;
      end
    end
  end

  ////////////
  // Queues //
  ////////////

  assign bad = !known || token_error;

  for (genvar u = 0; u < QUEUES; u++) begin : gen_queue
    logic        [   QUEUES-1:0][ID_BITS-1:0] unit_waits;
    header_cmd_t                              unit_header;
    logic        [CountBits-1:0]              queued;
    logic                                     unused_queue;

    assign push[u] = head_valid && !halt_i && !bad && !is_end && unit == unit_e'(u);

    tessera_fifo #(
      .Depth (QueueDepth),
      .data_t(cmd_t)
    ) i_queue (
      .clk_i,
      .rst_ni,
      .valid_i(push[u]),
      .ready_o(queue_ready[u]),
      .data_i (head),
      .valid_o(unit_valid_o[u]),
      .ready_i(unit_ready_i[u]),
      .data_o (unit_cmd_o[u]),
      .count_o(queued)
    );

    assign unit_header  = header_cmd_t'(unit_cmd_o[u]);
    assign unit_waits   = waits(unit_header);
    assign unused_queue = ^{queued, unit_header};

    always_comb begin
      for (int unsigned w = 0; w < QUEUES; w++) begin
        dep_met_o[u][w] = completed_q[w] >= unit_waits[w];
      end
    end
  end

  assign stream_end_o = head_valid && !halt_i && !bad && is_end && (&head_met)
                        && (&unit_idle_i) && unit_valid_o == '0;
  assign head_pop = halt_i || stream_end_o || ((push & queue_ready) != '0);
  assign ending_o = head_valid && is_end;
  assign busy_o = head_valid || unit_valid_o != '0 || !(&unit_idle_i);
  assign moves_o = (cmd_valid_i && cmd_ready_o) || head_pop || (unit_valid_o & unit_ready_i) != '0
                   || unit_done_i != '0;
  assign id_o = header.id;

  assign error_valid_o = head_valid && !halt_i && bad;

  always_comb begin
    error_o = NO_ERROR;
    if (error_valid_o) begin
      error_o = '{
          cause: known ? CAUSE_TOKEN : CAUSE_OPCODE,
          id: header.id,
          info: known ? 32'd0 : 32'(header.opcode)
      };
    end
  end

  always_comb begin
    state_o = WAIT_IDLE;
    if (head_valid) begin
      if (is_end) state_o = token_wait(head_met);
      else state_o = ((push & ~queue_ready) != '0) ? WAIT_QUEUE : WAIT_RUN;
    end
  end

  ////////////////
  // Assertions //
  ////////////////

  `ASSERT(OneQueueAtATime, $onehot0(push))
  `ASSERT(NoPushInHalt, halt_i |-> push == '0)
  `ASSERT(EndCompletesAll, stream_end_o |-> completed_q == issued_q)
  for (genvar u = 0; u < QUEUES; u++) begin : gen_asserts
    `ASSERT(CompletedNotAheadOfIssued, completed_q[u] <= issued_q[u])
  end

endmodule

`default_nettype wire

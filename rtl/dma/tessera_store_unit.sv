// SPDX-License-Identifier: Apache-2.0
//
// Executes STORE: reads beats from the ACT SRAM and writes them as bursts to a memory window.
//
//   queue ─► burst walker ─► AW ─► addressed bursts ─► SRAM reads ─► beat FIFO ─► W
//                                                            └─► written bursts ─► B ─► done
//
// One beat per cycle. Data follow their address; done_o comes with the response of the last burst.
`default_nettype none

`include "assert.svh"

module tessera_store_unit
  import tessera_isa_pkg::*;
  import tessera_pkg::*;
#(
  parameter int unsigned BusBytes = 16,
  parameter int unsigned ActBytes = 131072,
  parameter int unsigned WriteBursts = 8,
  parameter int unsigned BurstBeats = 16,
  parameter int unsigned AxiAddrBits = 32
) (
  input  logic                            clk_i,
  input  logic                            rst_ni,
  input  window_t [     WINDOWS-1:0]      window_i,
  input  logic                            halt_i,
  // Unit interface (rtl/README.md).
  input  logic                            cmd_valid_i,
  input  logic    [COMMAND_BITS-1:0]      cmd_i,
  input  logic    [      QUEUES-1:0]      dep_met_i,
  output logic                            cmd_ready_o,
  output logic                            start_o,
  output id_t                             start_id_o,
  output logic                            done_o,
  output id_t                             done_id_o,
  output id_t                             id_o,
  output wait_e                           state_o,
  output logic                            error_valid_o,
  output error_t                          error_o,
  output logic                            idle_o,
  output logic                            quiet_o,          // no bus transfer under way
  // AXI4 write channels.
  output logic    [ AxiAddrBits-1:0]      m_axi_awaddr_o,
  output logic    [             7:0]      m_axi_awlen_o,
  output logic                            m_axi_awvalid_o,
  input  logic                            m_axi_awready_i,
  output logic    [    BusBytes-1:0][7:0] m_axi_wdata_o,
  output logic                            m_axi_wlast_o,
  output logic                            m_axi_wvalid_o,
  input  logic                            m_axi_wready_i,
  input  logic    [             1:0]      m_axi_bresp_i,
  input  logic                            m_axi_bvalid_i,
  output logic                            m_axi_bready_o,
  // SRAM reads.
  output logic                            act_rd_req_o,
  output addr_t                           act_rd_addr_o,
  input  logic                            act_rd_gnt_i,
  input  logic    [    BusBytes-1:0][7:0] act_rd_data_i
);

  localparam int unsigned BeatFifoDepth = 4;
  localparam int unsigned BeatCountBits = idx_width(BeatFifoDepth) + 1;

  typedef struct packed {
    logic                     last;
    logic [BusBytes-1:0][7:0] data;
  } beat_t;

  store_cmd_t cmd;
  transfer_t  transfer;

  assign cmd = store_cmd_t'(cmd_i);
  assign transfer = '{
          id: cmd.id,
          sram: SRAM_ACT,
          window: cmd.window,
          offset: cmd.offset,
          sram_addr: cmd.sram_addr,
          row_bytes: cmd.row_bytes,
          rows: cmd.rows,
          row_stride: cmd.row_stride,
          sram_row_stride: cmd.sram_row_stride,
          planes: cmd.planes,
          plane_stride: cmd.plane_stride,
          sram_plane_stride: cmd.sram_plane_stride
      };

  logic unused_cmd;
  assign unused_cmd = ^{cmd.reserved, cmd.opcode, cmd.wait_load, cmd.wait_conv, cmd.wait_vector,
                        cmd.wait_store};

  //////////////////
  // Address side //
  //////////////////

  logic walker_ready, walker_busy, walker_error_valid;
  error_t walker_error;
  id_t    walker_id;
  logic burst_valid, burst_ready;
  burst_t burst;
  logic   aw_valid_q;
  burst_t aw_q;
  logic   aw_fire;
  logic todo_ready, todo_valid, todo_done;
  burst_t todo;
  logic   stopped_q;  // by a bus error: nothing later completes

  tessera_burst_walker #(
    .BusBytes(BusBytes),
    .BurstBeats(BurstBeats),
    .ActBytes(ActBytes),
    .Write(1'b1)
  ) i_walker (
    .clk_i,
    .rst_ni,
    .window_i,
    .halt_i(halt_i || stopped_q),
    .valid_i(cmd_valid_i && (&dep_met_i)),
    .ready_o(walker_ready),
    .transfer_i(transfer),
    .burst_valid_o(burst_valid),
    .burst_ready_i(burst_ready),
    .burst_o(burst),
    .busy_o(walker_busy),
    .id_o(walker_id),
    .error_valid_o(walker_error_valid),
    .error_o(walker_error)
  );

  assign cmd_ready_o     = walker_ready && (&dep_met_i);
  assign start_o         = cmd_valid_i && cmd_ready_o;
  assign start_id_o      = cmd.id;

  assign aw_fire         = aw_valid_q && m_axi_awready_i && todo_ready;
  assign burst_ready     = !aw_valid_q || aw_fire;
  assign m_axi_awvalid_o = aw_valid_q && todo_ready;
  assign m_axi_awaddr_o  = AxiAddrBits'(aw_q.address);
  assign m_axi_awlen_o   = aw_q.beats;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      aw_valid_q <= 1'b0;
    end else if (burst_valid && burst_ready) begin
      aw_valid_q <= 1'b1;
    end else if (aw_fire) begin
      aw_valid_q <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (burst_valid && burst_ready) aw_q <= burst;
  end

  // Addressed bursts whose data are still to be sent.
  logic [idx_width(WriteBursts):0] todo_count, sent_count;

  tessera_fifo #(
    .Depth (WriteBursts),
    .data_t(burst_t)
  ) i_todo (
    .clk_i,
    .rst_ni,
    .valid_i(aw_valid_q && m_axi_awready_i),
    .ready_o(todo_ready),
    .data_i (aw_q),
    .valid_o(todo_valid),
    .ready_i(todo_done),
    .data_o (todo),
    .count_o(todo_count)
  );

  ///////////////
  // Data side //
  ///////////////

  logic [7:0] beat_q;
  logic read, read_q, last_q, fifo_ready, sent_ready;
  beat_t                              beat;
  logic  [idx_width(BeatFifoDepth):0] beats;

  // Room for the beat asked for now, beside the one that arrives.
  assign act_rd_req_o  = todo_valid && sent_ready
      && beats + BeatCountBits'(read_q) < BeatCountBits'(BeatFifoDepth);
  assign act_rd_addr_o = todo.sram_addr + (addr_t'(beat_q) * addr_t'(BusBytes));
  assign read = act_rd_req_o && act_rd_gnt_i;
  assign todo_done = read && beat_q == todo.beats;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      beat_q <= '0;
      read_q <= 1'b0;
      last_q <= 1'b0;
    end else begin
      read_q <= read;
      last_q <= todo_done;
      if (read) beat_q <= todo_done ? '0 : beat_q + 8'd1;
    end
  end

  tessera_fifo #(
    .Depth (BeatFifoDepth),
    .data_t(beat_t)
  ) i_beats (
    .clk_i,
    .rst_ni,
    .valid_i(read_q),
    .ready_o(fifo_ready),
    .data_i ('{last: last_q, data: act_rd_data_i}),
    .valid_o(m_axi_wvalid_o),
    .ready_i(m_axi_wready_i),
    .data_o (beat),
    .count_o(beats)
  );

  assign m_axi_wdata_o = beat.data;
  assign m_axi_wlast_o = beat.last;

  // Bursts that wait for their response.
  logic   sent_valid;
  burst_t sent;

  tessera_fifo #(
    .Depth (WriteBursts),
    .data_t(burst_t)
  ) i_sent (
    .clk_i,
    .rst_ni,
    .valid_i(todo_done),
    .ready_o(sent_ready),
    .data_i (todo),
    .valid_o(sent_valid),
    .ready_i(m_axi_bvalid_i),
    .data_o (sent),
    .count_o(sent_count)
  );

  assign m_axi_bready_o = sent_valid;

  logic response, bus_error;

  assign response  = m_axi_bvalid_i && m_axi_bready_o;
  assign bus_error = response && m_axi_bresp_i[1];
  assign done_o    = response && sent.last && !bus_error && !stopped_q;
  assign done_id_o = sent.id;

  always_comb begin
    error_valid_o = walker_error_valid;
    error_o       = walker_error;
    if (!stopped_q && bus_error) begin
      error_valid_o = 1'b1;
      error_o = '{cause: CAUSE_AXI_WRITE, id: sent.id, info: sent.address[31:0]};
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) stopped_q <= 1'b0;
    else if (bus_error) stopped_q <= 1'b1;
  end

  ////////////
  // Status //
  ////////////

  assign quiet_o = !aw_valid_q && !todo_valid && !read_q && !m_axi_wvalid_o && !sent_valid;
  assign idle_o  = !walker_busy && quiet_o;
  assign id_o    = sent_valid ? sent.id : todo_valid ? todo.id : walker_id;

  always_comb begin
    state_o = WAIT_IDLE;
    if (todo_valid) state_o = read ? WAIT_RUN : WAIT_BUS;
    else if (!quiet_o || walker_busy) state_o = WAIT_BUS;
    else if (cmd_valid_i) state_o = token_wait(dep_met_i);
  end

  logic unused_bits;
  assign unused_bits = ^{todo_count, sent_count, fifo_ready, m_axi_bresp_i[0], aw_q, sent};

  ////////////////
  // Assertions //
  ////////////////

  `ASSERT(BeatFifoNeverOverflows, read_q |-> fifo_ready)
  `ASSERT(ResponseOnlyWhenOwed, m_axi_bvalid_i |-> sent_valid)
  `ASSERT(DataHold, m_axi_wvalid_o && !m_axi_wready_i |=> m_axi_wvalid_o && $stable(m_axi_wdata_o))

endmodule

`default_nettype wire

// SPDX-License-Identifier: Apache-2.0
//
// Executes LOAD: reads bursts from a memory window and writes the beats to an SRAM.
//
//   queue ─► burst walker ─► AR            (up to ReadBursts bursts under way)
//                 └─► bursts under way ─► R beats ─► ACT / WEIGHT / PARAM SRAM, tables
//
// One beat per cycle as long as ReadBursts * BurstBeats beats cover the memory's latency. The next
// LOAD's bursts follow while data of this one arrives. done_o comes with the last beat's write.
`default_nettype none

`include "assert.svh"

module tessera_load_unit
  import tessera_isa_pkg::*;
  import tessera_pkg::*;
#(
  parameter int unsigned BusBytes = 16,
  parameter int unsigned ActBytes = 131072,
  parameter int unsigned WeightBytes = 65536,
  parameter int unsigned ParamBytes = 8192,
  parameter int unsigned TableBytes = 1024,
  parameter int unsigned ReadBursts = 8,
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
  // AXI4 read channels.
  output logic    [ AxiAddrBits-1:0]      m_axi_araddr_o,
  output logic    [             7:0]      m_axi_arlen_o,
  output logic                            m_axi_arvalid_o,
  input  logic                            m_axi_arready_i,
  input  logic    [    BusBytes-1:0][7:0] m_axi_rdata_i,
  input  logic    [             1:0]      m_axi_rresp_i,
  input  logic                            m_axi_rlast_i,
  input  logic                            m_axi_rvalid_i,
  output logic                            m_axi_rready_o,
  // SRAM writes.
  output addr_t                           wr_addr_o,
  output logic    [    BusBytes-1:0][7:0] wr_data_o,
  output logic                            act_wr_req_o,
  input  logic                            act_wr_gnt_i,
  output logic                            weight_wr_req_o,
  output logic                            param_wr_req_o,
  output logic                            table_wr_req_o
);

  load_cmd_t cmd;
  transfer_t transfer;

  assign cmd = load_cmd_t'(cmd_i);
  assign transfer = '{
          id: cmd.id,
          sram: sram_e'(cmd.sram),
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
  logic burst_valid, burst_ready, track_ready;
  burst_t burst;

  tessera_burst_walker #(
    .BusBytes(BusBytes),
    .BurstBeats(BurstBeats),
    .ActBytes(ActBytes),
    .WeightBytes(WeightBytes),
    .ParamBytes(ParamBytes),
    .TableBytes(TableBytes),
    .Write(1'b0)
  ) i_walker (
    .clk_i,
    .rst_ni,
    .window_i,
    .halt_i,
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

  assign cmd_ready_o = walker_ready && (&dep_met_i);
  assign start_o     = cmd_valid_i && cmd_ready_o;
  assign start_id_o  = cmd.id;

  // A burst is tracked from its address to its last beat. Once on the bus, an address stays there,
  // halt or not.
  logic   ar_valid_q;
  burst_t ar_q;

  assign burst_ready     = track_ready && (!ar_valid_q || m_axi_arready_i);
  assign m_axi_arvalid_o = ar_valid_q;
  assign m_axi_araddr_o  = AxiAddrBits'(ar_q.address);
  assign m_axi_arlen_o   = ar_q.beats;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      ar_valid_q <= 1'b0;
    end else if (burst_valid && burst_ready) begin
      ar_valid_q <= 1'b1;
    end else if (m_axi_arready_i) begin
      ar_valid_q <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (burst_valid && burst_ready) ar_q <= burst;
  end

  ///////////////
  // Data side //
  ///////////////

  logic track_valid, beat, drop_q;
  burst_t track;
  logic [7:0] beat_q;
  addr_t addr;
  logic bus_error, writable;
  logic [idx_width(ReadBursts):0] tracked;

  tessera_fifo #(
    .Depth ((ReadBursts < 2) ? 2 : ReadBursts),
    .data_t(burst_t)
  ) i_track (
    .clk_i,
    .rst_ni,
    .valid_i(burst_valid && (!ar_valid_q || m_axi_arready_i)),
    .ready_o(track_ready),
    .data_i (burst),
    .valid_o(track_valid),
    .ready_i(beat && m_axi_rlast_i),
    .data_o (track),
    .count_o(tracked)
  );

  assign addr            = track.sram_addr + (addr_t'(beat_q) * addr_t'(BusBytes));
  assign bus_error       = m_axi_rresp_i[1];
  assign writable        = m_axi_rvalid_i && track_valid && !bus_error && !drop_q;

  assign wr_addr_o       = addr;
  assign wr_data_o       = m_axi_rdata_i;
  assign act_wr_req_o    = writable && track.sram == SRAM_ACT;
  assign weight_wr_req_o = writable && track.sram == SRAM_WEIGHT;
  assign param_wr_req_o  = writable && track.sram == SRAM_PARAM;
  assign table_wr_req_o  = writable && track.sram == SRAM_TABLE;
  assign m_axi_rready_o  = track_valid && (!act_wr_req_o || act_wr_gnt_i);
  assign beat            = m_axi_rvalid_i && m_axi_rready_o;

  assign done_o          = beat && m_axi_rlast_i && track.last && writable;
  assign done_id_o       = track.id;

  always_comb begin
    error_valid_o = walker_error_valid;
    error_o       = walker_error;
    if (beat && !drop_q && bus_error) begin
      error_valid_o = 1'b1;
      error_o = '{cause: CAUSE_AXI_READ, id: track.id, info: track.address[31:0]};
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      beat_q <= '0;
      drop_q <= 1'b0;
    end else begin
      if (beat) beat_q <= m_axi_rlast_i ? '0 : beat_q + 8'd1;
      // After a bus error the rest of the data is taken off the bus and dropped. After the walker's
      // errors the data on their way belong to earlier bursts, which complete.
      if (beat && bus_error) drop_q <= 1'b1;
    end
  end

  ////////////
  // Status //
  ////////////

  assign quiet_o = !ar_valid_q && !track_valid;
  assign idle_o  = !walker_busy && quiet_o;
  assign id_o    = track_valid ? track.id : walker_id;

  always_comb begin
    state_o = WAIT_IDLE;
    if (track_valid) state_o = m_axi_rvalid_i ? WAIT_RUN : WAIT_BUS;
    else if (walker_busy) state_o = WAIT_BUS;
    else if (cmd_valid_i) state_o = token_wait(dep_met_i);
  end

  logic unused_bits;
  assign unused_bits = ^{tracked, m_axi_rresp_i[0], ar_q};

  ////////////////
  // Assertions //
  ////////////////

  `ASSERT(DataOnlyWhenAsked, m_axi_rvalid_i |-> track_valid)
  `ASSERT(LastBeatMatches, beat |-> m_axi_rlast_i == (beat_q == track.beats))
  `ASSERT(AddressHold, m_axi_arvalid_o && !m_axi_arready_i |=> m_axi_arvalid_o && $stable
                       (m_axi_araddr_o) && $stable(m_axi_arlen_o))

endmodule

`default_nettype wire

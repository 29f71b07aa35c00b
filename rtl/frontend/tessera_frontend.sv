// SPDX-License-Identifier: Apache-2.0
//
// Front end: AXI4-Lite port, registers, command port, dispatcher, control, counters. Wiring, and
// the map between register fields and signals.
`default_nettype none

module tessera_frontend
  import tessera_isa_pkg::*;
  import tessera_pkg::*;
#(
  parameter int unsigned KLanes       = 16,
  parameter int unsigned NLanes       = 16,
  parameter int unsigned BusBytes     = 16,
  parameter int unsigned ActKib       = 128,
  parameter int unsigned ActBanks     = 8,
  parameter int unsigned WeightKib    = 64,
  parameter int unsigned ParamKib     = 8,
  parameter int unsigned AccEntries   = 512,
  parameter int unsigned QueueDepth   = 8,
  parameter bit          Vector       = 1'b1,
  parameter bit          Depthwise    = 1'b1,
  parameter int unsigned Tables       = 4,
  parameter int unsigned AxilAddrBits = 13
) (
  input  logic                                              clk_i,
  input  logic                                              rst_ni,
  // AXI4-Lite.
  input  logic         [AxilAddrBits-1:0]                   s_axil_awaddr_i,
  input  logic                                              s_axil_awvalid_i,
  output logic                                              s_axil_awready_o,
  input  logic         [            31:0]                   s_axil_wdata_i,
  input  logic                                              s_axil_wvalid_i,
  output logic                                              s_axil_wready_o,
  output logic         [             1:0]                   s_axil_bresp_o,
  output logic                                              s_axil_bvalid_o,
  input  logic                                              s_axil_bready_i,
  input  logic         [AxilAddrBits-1:0]                   s_axil_araddr_i,
  input  logic                                              s_axil_arvalid_i,
  output logic                                              s_axil_arready_o,
  output logic         [            31:0]                   s_axil_rdata_o,
  output logic         [             1:0]                   s_axil_rresp_o,
  output logic                                              s_axil_rvalid_o,
  input  logic                                              s_axil_rready_i,
  // To and from the units (index: Unit).
  output logic                                              unit_rst_no,
  output logic                                              halt_o,
  output window_t      [     WINDOWS-1:0]                   window_o,
  output logic         [      QUEUES-1:0]                   unit_valid_o,
  input  logic         [      QUEUES-1:0]                   unit_ready_i,
  output logic         [      QUEUES-1:0][COMMAND_BITS-1:0] unit_cmd_o,
  output logic         [      QUEUES-1:0][      QUEUES-1:0] dep_met_o,
  input  logic         [      QUEUES-1:0]                   unit_done_i,
  input  logic         [      QUEUES-1:0]                   unit_idle_i,
  input  logic         [      QUEUES-1:0]                   unit_error_valid_i,
  input  error_t       [      QUEUES-1:0]                   unit_error_i,
  input  id_t          [      QUEUES-1:0]                   unit_id_i,
  input  wait_e        [      QUEUES-1:0]                   unit_state_i,
  input  logic                                              bus_quiet_i,
  input  array_cycle_e                                      array_cycle_i,
  input  logic                                              read_beat_i,
  input  logic                                              write_beat_i,
  // Observation.
  output logic                                              counting_o,
  output array_cycle_e                                      array_cycle_o,
  output id_t                                               dispatch_id_o,
  output wait_e                                             dispatch_state_o,
  output logic                                              irq_o
);

  localparam int unsigned CsrAddrBits = 9;
  localparam int unsigned IndexBits = AxilAddrBits - 2;

  // Port to registers.
  logic csr_req, csr_write, csr_rd_ack;
  logic [CsrAddrBits-1:0] csr_addr;
  logic [31:0] csr_wdata, csr_rdata;
  // Port to command port to dispatcher.
  logic word_valid, word_ready;
  logic [IndexBits-1:0] word_index;
  logic [         31:0] word;
  logic cmd_valid, cmd_ready;
  logic [COMMAND_BITS-1:0] cmd;
  // Dispatcher to control.
  logic stream_end, ending, busy;
  logic   [       7:0]              credits;
  logic   [QUEUES-1:0][ID_BITS-1:0] completed;
  logic                             dispatch_error_valid;
  error_t                           dispatch_error;
  // Control.
  logic expired, done, resetting, error;
  unit_e               error_unit;
  error_t              error_info;
  logic                progress;
  logic   [QUEUES-1:0] unit_busy;
  // Counters.
  logic [31:0] cycles, read_beats, write_beats;
  logic                               [ARRAY_CYCLES-1:0][31:0] array_cycles;
  logic                               [      QUEUES-1:0][31:0] unit_busy_cycles;

  tessera_csr_pkg::tessera_csr__in_t                           hw_in_q;
  tessera_csr_pkg::tessera_csr__out_t                          hw_out;

  logic csr_clk, csr_req_q, csr_write_q, csr_writing, csr_written_q;
  logic [CsrAddrBits-1:0] csr_addr_q;
  logic [           31:0] csr_wdata_q;

  // While the units work and nothing is asked or told, port, dispatcher and control stand still.
  logic clk, port_moves, dispatch_moves, control_moves;

  tessera_clock_gate i_gate (
    .clk_i,
    .rst_ni,
    .active_i(port_moves || dispatch_moves || control_moves || !rst_ni),
    .clk_o(clk)
  );

  tessera_axil_port #(
    .AxilAddrBits(AxilAddrBits),
    .CsrAddrBits (CsrAddrBits)
  ) i_port (
    .clk_i(clk),
    .rst_ni,
    .s_axil_awaddr_i,
    .s_axil_awvalid_i,
    .s_axil_awready_o,
    .s_axil_wdata_i,
    .s_axil_wvalid_i,
    .s_axil_wready_o,
    .s_axil_bresp_o,
    .s_axil_bvalid_o,
    .s_axil_bready_i,
    .s_axil_araddr_i,
    .s_axil_arvalid_i,
    .s_axil_arready_o,
    .s_axil_rdata_o,
    .s_axil_rresp_o,
    .s_axil_rvalid_o,
    .s_axil_rready_i,
    .csr_req_o(csr_req),
    .csr_write_o(csr_write),
    .csr_addr_o(csr_addr),
    .csr_wdata_o(csr_wdata),
    .csr_busy_i(csr_writing || csr_written_q),
    .csr_rd_ack_i(csr_rd_ack),
    .csr_rdata_i(csr_rdata),
    .word_valid_o(word_valid),
    .word_ready_i(word_ready),
    .word_index_o(word_index),
    .word_o(word),
    .moves_o(port_moves)
  );

  logic unused_stall_wr, unused_stall_rd, unused_rd_err, unused_wr_ack, unused_wr_err;

  // Registers are clocked for an access only. It comes a cycle late, together with a snapshot of
  // what the hardware shows.
  tessera_clock_gate i_csr_gate (
    .clk_i,
    .rst_ni,
    .active_i(csr_req || csr_req_q || !rst_ni),
    .clk_o(csr_clk)
  );

  always_ff @(posedge csr_clk or negedge rst_ni) begin
    if (!rst_ni) begin
      csr_req_q     <= 1'b0;
      csr_written_q <= 1'b0;
    end else begin
      csr_req_q     <= csr_req;
      csr_written_q <= csr_writing;
    end
  end

  // The field is written at the end of the first of these cycles, pulses act in the second.
  assign csr_writing = csr_req_q && csr_write_q;

  always_ff @(posedge csr_clk) begin
    csr_write_q <= csr_write;
    csr_addr_q  <= csr_addr;
    csr_wdata_q <= csr_wdata;
  end

  tessera_csr i_csr (
    .clk(csr_clk),
    .rst_n(rst_ni),
    .s_cpuif_req(csr_req_q),
    .s_cpuif_req_is_wr(csr_write_q),
    .s_cpuif_addr(csr_addr_q),
    .s_cpuif_wr_data(csr_wdata_q),
    .s_cpuif_wr_biten('1),
    .s_cpuif_req_stall_wr(unused_stall_wr),
    .s_cpuif_req_stall_rd(unused_stall_rd),
    .s_cpuif_rd_ack(csr_rd_ack),
    .s_cpuif_rd_err(unused_rd_err),
    .s_cpuif_rd_data(csr_rdata),
    .s_cpuif_wr_ack(unused_wr_ack),
    .s_cpuif_wr_err(unused_wr_err),
    .hwif_in(hw_in_q),
    .hwif_out(hw_out)
  );

  tessera_command_port #(
    .IndexBits(IndexBits)
  ) i_command_port (
    .clk_i(clk),
    .rst_ni(unit_rst_no),
    .word_valid_i(word_valid),
    .word_ready_o(word_ready),
    .word_index_i(word_index),
    .word_i(word),
    .cmd_valid_o(cmd_valid),
    .cmd_ready_i(cmd_ready),
    .cmd_o(cmd)
  );

  tessera_dispatcher #(
    .QueueDepth(QueueDepth),
    .Vector(Vector)
  ) i_dispatcher (
    .clk_i(clk),
    .rst_ni(unit_rst_no),
    .halt_i(halt_o),
    .cmd_valid_i(cmd_valid),
    .cmd_ready_o(cmd_ready),
    .cmd_i(cmd),
    .unit_valid_o,
    .unit_ready_i,
    .unit_cmd_o,
    .dep_met_o,
    .unit_done_i,
    .unit_idle_i,
    .stream_end_o(stream_end),
    .ending_o(ending),
    .busy_o(busy),
    .moves_o(dispatch_moves),
    .credits_o(credits),
    .id_o(dispatch_id_o),
    .state_o(dispatch_state_o),
    .completed_o(completed),
    .error_valid_o(dispatch_error_valid),
    .error_o(dispatch_error)
  );

  // A word that waits for room is no progress: its host may be stuck with the units.
  assign progress = (word_valid && word_ready) || read_beat_i || write_beat_i || unit_done_i != '0
                    || array_cycle_i == CYCLE_BUSY || (unit_valid_o & unit_ready_i) != '0
                    || unit_state_i[UNIT_VECTOR] == WAIT_RUN;

  tessera_watchdog i_watchdog (
    .clk_i,
    .rst_ni,
    .limit_i(hw_out.WATCHDOG.limit.value),
    .busy_i(busy),
    .progress_i(progress),
    .halt_i(halt_o),
    .expired_o(expired)
  );

  tessera_control i_control (
    .clk_i(clk),
    .rst_ni,
    .soft_reset_i(hw_out.CTRL.soft_reset.value),
    .irq_enable_i(hw_out.CTRL.irq_enable.value),
    .clear_done_i(hw_out.CLEAR.done.value),
    .expired_i(expired),
    .watchdog_i(hw_out.WATCHDOG.limit.value),
    .stream_end_i(stream_end),
    .bus_quiet_i,
    .error_valid_i({dispatch_error_valid, unit_error_valid_i}),
    .error_i({dispatch_error, unit_error_i}),
    .id_i({dispatch_id_o, unit_id_i}),
    .state_i({dispatch_state_o, unit_state_i}),
    .halt_o,
    .unit_rst_no,
    .done_o(done),
    .resetting_o(resetting),
    .error_o(error),
    .error_unit_o(error_unit),
    .error_info_o(error_info),
    .irq_o,
    .moves_o(control_moves)
  );

  // With END next in program, an empty conv queue means that nothing is left for the array.
  assign array_cycle_o = (array_cycle_i == CYCLE_COMMAND && ending) ? CYCLE_DRAIN : array_cycle_i;

  // States in which a unit works on a command: a bit each.
  localparam logic [15:0] Busy = 16'd1 << WAIT_RUN | 16'd1 << WAIT_WEIGHT | 16'd1 << WAIT_ACTIVATION
                                 | 16'd1 << WAIT_ACCUMULATOR | 16'd1 << WAIT_BUS;

  for (genvar u = 0; u < QUEUES; u++) begin : gen_unit_busy
    assign unit_busy[u] = Busy[unit_state_i[u]];
  end

  tessera_perf_counters i_perf_counters (
    .clk_i,
    .rst_ni,
    .clear_i(hw_out.CTRL.clear_counters.value),
    .word_i(word_valid),
    .stream_end_i(stream_end),
    .abort_i(halt_o),
    .array_cycle_i(array_cycle_o),
    .unit_busy_i(unit_busy),
    .read_beat_i,
    .write_beat_i,
    .counting_o,
    .cycles_o(cycles),
    .array_o(array_cycles),
    .unit_busy_o(unit_busy_cycles),
    .read_beats_o(read_beats),
    .write_beats_o(write_beats)
  );

  //////////////////
  // Register map //
  //////////////////

  always_comb begin
    for (int unsigned w = 0; w < WINDOWS; w++) begin
      window_o[w] = '{
          base: {hw_out.WINDOW[w].BASE_HI.value.value, hw_out.WINDOW[w].BASE_LO.value.value},
          size: hw_out.WINDOW[w].SIZE.value.value,
          read: hw_out.WINDOW[w].PERMISSION.read.value,
          write: hw_out.WINDOW[w].PERMISSION.write.value
      };
    end
  end

  always_ff @(posedge csr_clk) begin
    hw_in_q.VERSION.isa.next            <= 16'(ISA_VERSION);
    hw_in_q.CAPS_ARRAY.k_lanes.next     <= 8'(KLanes);
    hw_in_q.CAPS_ARRAY.n_lanes.next     <= 8'(NLanes);
    hw_in_q.CAPS_ARRAY.bus_bytes.next   <= 8'(BusBytes);
    hw_in_q.CAPS_ARRAY.act_banks.next   <= 8'(ActBanks);
    hw_in_q.CAPS_SRAM.act_kib.next      <= 16'(ActKib);
    hw_in_q.CAPS_SRAM.weight_kib.next   <= 16'(WeightKib);
    hw_in_q.CAPS_UNITS.acc_entries.next <= 16'(AccEntries);
    hw_in_q.CAPS_UNITS.param_kib.next   <= 8'(ParamKib);
    hw_in_q.CAPS_UNITS.vector.next      <= Vector;
    hw_in_q.CAPS_UNITS.depthwise.next   <= Depthwise;
    hw_in_q.CAPS_UNITS.tables.next      <= 4'(Tables);
    hw_in_q.STATUS.busy.next            <= busy;
    hw_in_q.STATUS.done.next            <= done;
    hw_in_q.STATUS.error.next           <= error;
    hw_in_q.STATUS.resetting.next       <= resetting;
    hw_in_q.STATUS.credits.next         <= credits;
    hw_in_q.ERROR.cause.next            <= error_info.cause;
    hw_in_q.ERROR.unit.next             <= 8'(error_unit);
    hw_in_q.ERROR_ID.id.next            <= error_info.id;
    hw_in_q.ERROR_INFO.info.next        <= error_info.info;
    for (int unsigned u = 0; u < QUEUES; u++) begin
      hw_in_q.UNIT_STATE[u].id.next    <= unit_id_i[u];
      hw_in_q.UNIT_STATE[u].state.next <= 8'(unit_state_i[u]);
      hw_in_q.UNIT_DONE[u].count.next  <= completed[u];
      hw_in_q.UNIT_BUSY[u].count.next  <= unit_busy_cycles[u];
    end
    hw_in_q.UNIT_STATE[UNIT_DISPATCH].id.next    <= dispatch_id_o;
    hw_in_q.UNIT_STATE[UNIT_DISPATCH].state.next <= 8'(dispatch_state_o);
    hw_in_q.CYCLES.count.next                    <= cycles;
    for (int unsigned c = 0; c < ARRAY_CYCLES; c++) begin
      hw_in_q.ARRAY[c].count.next <= array_cycles[c];
    end
    hw_in_q.READ_BEATS.count.next  <= read_beats;
    hw_in_q.WRITE_BEATS.count.next <= write_beats;
  end

endmodule

`default_nettype wire

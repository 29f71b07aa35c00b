// SPDX-License-Identifier: Apache-2.0
//
// The accelerator: ports, parameters and wiring; no logic. Parameters are those of `AccelConfig`
// (accel/config.py), which says what can be built.
`default_nettype none

module tessera_top
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
  parameter int unsigned ReadBursts   = 8,
  parameter int unsigned BurstBeats   = 16,
  parameter bit          Vector       = 1'b1,
  parameter bit          Depthwise    = 1'b1,
  parameter int unsigned Tables       = 4,
  parameter int unsigned AxiAddrBits  = 32,
  parameter int unsigned AxilAddrBits = 13
) (
  input  logic                                 clk_i,
  input  logic                                 rst_ni,
  // Host: AXI4-Lite.
  input  logic         [AxilAddrBits-1:0]      s_axil_awaddr_i,
  input  logic                                 s_axil_awvalid_i,
  output logic                                 s_axil_awready_o,
  input  logic         [            31:0]      s_axil_wdata_i,
  input  logic                                 s_axil_wvalid_i,
  output logic                                 s_axil_wready_o,
  output logic         [             1:0]      s_axil_bresp_o,
  output logic                                 s_axil_bvalid_o,
  input  logic                                 s_axil_bready_i,
  input  logic         [AxilAddrBits-1:0]      s_axil_araddr_i,
  input  logic                                 s_axil_arvalid_i,
  output logic                                 s_axil_arready_o,
  output logic         [            31:0]      s_axil_rdata_o,
  output logic         [             1:0]      s_axil_rresp_o,
  output logic                                 s_axil_rvalid_o,
  input  logic                                 s_axil_rready_i,
  // Memory: AXI4, one id, INCR bursts of full beats.
  output logic         [ AxiAddrBits-1:0]      m_axi_araddr_o,
  output logic         [             7:0]      m_axi_arlen_o,
  output logic         [             2:0]      m_axi_arsize_o,
  output logic         [             1:0]      m_axi_arburst_o,
  output logic                                 m_axi_arvalid_o,
  input  logic                                 m_axi_arready_i,
  input  logic         [    BusBytes-1:0][7:0] m_axi_rdata_i,
  input  logic         [             1:0]      m_axi_rresp_i,
  input  logic                                 m_axi_rlast_i,
  input  logic                                 m_axi_rvalid_i,
  output logic                                 m_axi_rready_o,
  output logic         [ AxiAddrBits-1:0]      m_axi_awaddr_o,
  output logic         [             7:0]      m_axi_awlen_o,
  output logic         [             2:0]      m_axi_awsize_o,
  output logic         [             1:0]      m_axi_awburst_o,
  output logic                                 m_axi_awvalid_o,
  input  logic                                 m_axi_awready_i,
  output logic         [    BusBytes-1:0][7:0] m_axi_wdata_o,
  output logic         [    BusBytes-1:0]      m_axi_wstrb_o,
  output logic                                 m_axi_wlast_o,
  output logic                                 m_axi_wvalid_o,
  input  logic                                 m_axi_wready_i,
  input  logic         [             1:0]      m_axi_bresp_i,
  input  logic                                 m_axi_bvalid_i,
  output logic                                 m_axi_bready_o,
  // Interrupt: done or error.
  output logic                                 irq_o,
  // Observation for traces and waves (index: Unit).
  output logic                                 counting_o,
  output logic         [      QUEUES-1:0]      trace_start_o,
  output id_t          [      QUEUES-1:0]      trace_start_id_o,
  output logic         [      QUEUES-1:0]      trace_done_o,
  output id_t          [      QUEUES-1:0]      trace_done_id_o,
  output array_cycle_e                         array_cycle_o,
  output id_t                                  array_id_o,
  output id_t          [        QUEUES:0]      unit_id_o,
  output wait_e        [        QUEUES:0]      unit_state_o
);

  localparam int unsigned ActBytes = ActKib * 1024;
  localparam int unsigned WeightBytes = WeightKib * 1024;
  localparam int unsigned ParamBytes = ParamKib * 1024;
  localparam int unsigned ReadPorts = 3;
  localparam int unsigned WritePorts = 2;
  localparam logic [1:0] Incr = 2'b01;

  // ACT word read ports by priority, and write ports.
  localparam int unsigned PortResidual = 0;
  localparam int unsigned PortVectorA = 1;
  localparam int unsigned PortVectorB = 2;
  localparam int unsigned PortOutput = 0;
  localparam int unsigned PortVector = 1;

  if (NLanes % KLanes != 0) begin : gen_bad_lanes
    $fatal(1, "NLanes=%0d is not a multiple of KLanes=%0d", NLanes, KLanes);
  end
  if (ActBanks * KLanes < BusBytes) begin : gen_bad_banks
    $fatal(1, "ActBanks=%0d words of %0d bytes do not hold a beat", ActBanks, KLanes);
  end

  // Unit interface.
  logic unit_rst_n, halt;
  window_t [WINDOWS-1:0] window;
  logic [QUEUES-1:0] unit_valid, unit_ready, unit_idle, unit_error_valid;
  logic   [QUEUES-1:0][COMMAND_BITS-1:0] unit_cmd;
  logic   [QUEUES-1:0][      QUEUES-1:0] dep_met;
  error_t [QUEUES-1:0]                   unit_error;
  logic load_quiet, store_quiet;
  array_cycle_e array_cycle;
  // ACT SRAM.
  gather_mask_t gather_req;
  gather_addr_t gather_addr;
  logic         gather_gnt;
  logic [KLanes-1:0][7:0] gather_data[GATHER_ROWS][2];
  logic [ReadPorts-1:0] rd_req, rd_gnt;
  addr_t [ReadPorts-1:0]                  rd_addr;
  logic  [ReadPorts-1:0][KLanes-1:0][7:0] rd_data;
  logic beat_rd_req, beat_rd_gnt;
  addr_t                     beat_rd_addr;
  logic  [BusBytes-1:0][7:0] beat_rd_data;
  logic [WritePorts-1:0] wr_req, wr_gnt;
  addr_t [WritePorts-1:0]                  wr_addr;
  logic  [WritePorts-1:0][KLanes-1:0][7:0] wr_data;
  // Load data to the SRAMs.
  addr_t                                   load_addr;
  logic  [  BusBytes-1:0][       7:0]      load_data;
  logic act_load_req, act_load_gnt, weight_load_req;
  logic param_load_req, table_load_req;
  // Tables.
  logic [1:0][3:0] table_use;
  logic [1:0][KLanes-1:0][7:0] table_index, table_data;
  // WEIGHT and PARAM SRAM.
  logic wgt_rd_req, par_rd_req;
  addr_t wgt_rd_addr, par_rd_addr;
  logic [  NLanes-1:0][7:0] wgt_rd_data;
  logic [BusBytes-1:0][7:0] par_rd_data;

  assign m_axi_arsize_o  = 3'($clog2(BusBytes));
  assign m_axi_arburst_o = Incr;
  assign m_axi_awsize_o  = 3'($clog2(BusBytes));
  assign m_axi_awburst_o = Incr;
  assign m_axi_wstrb_o   = '1;

  tessera_frontend #(
    .KLanes(KLanes),
    .NLanes(NLanes),
    .BusBytes(BusBytes),
    .ActKib(ActKib),
    .ActBanks(ActBanks),
    .WeightKib(WeightKib),
    .ParamKib(ParamKib),
    .AccEntries(AccEntries),
    .QueueDepth(QueueDepth),
    .Vector(Vector),
    .Depthwise(Depthwise),
    .Tables(Tables),
    .AxilAddrBits(AxilAddrBits)
  ) i_frontend (
    .clk_i,
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
    .unit_rst_no(unit_rst_n),
    .halt_o(halt),
    .window_o(window),
    .unit_valid_o(unit_valid),
    .unit_ready_i(unit_ready),
    .unit_cmd_o(unit_cmd),
    .dep_met_o(dep_met),
    .unit_done_i(trace_done_o),
    .unit_idle_i(unit_idle),
    .unit_error_valid_i(unit_error_valid),
    .unit_error_i(unit_error),
    .unit_id_i(unit_id_o[QUEUES-1:0]),
    .unit_state_i(unit_state_o[QUEUES-1:0]),
    .bus_quiet_i(load_quiet && store_quiet),
    .array_cycle_i(array_cycle),
    .read_beat_i(m_axi_rvalid_i && m_axi_rready_o),
    .write_beat_i(m_axi_wvalid_o && m_axi_wready_i),
    .counting_o,
    .array_cycle_o,
    .dispatch_id_o(unit_id_o[UNIT_DISPATCH]),
    .dispatch_state_o(unit_state_o[UNIT_DISPATCH]),
    .irq_o
  );

  // Units without work get no clock.
  logic [QUEUES-1:0] unit_active, unit_clk;

  assign unit_active = unit_valid | ~unit_idle | {QUEUES{halt || !unit_rst_n}}
                       | (QUEUES'(!load_quiet) << UNIT_LOAD)
                       | (QUEUES'(!store_quiet) << UNIT_STORE);

  for (genvar u = 0; u < QUEUES; u++) begin : gen_gate
    tessera_clock_gate i_gate (
      .clk_i,
      .rst_ni,
      .active_i(unit_active[u]),
      .clk_o(unit_clk[u])
    );
  end

  tessera_load_unit #(
    .BusBytes(BusBytes),
    .ActBytes(ActBytes),
    .WeightBytes(WeightBytes),
    .ParamBytes(ParamBytes),
    .TableBytes(Tables * TABLE_BYTES),
    .ReadBursts(ReadBursts),
    .BurstBeats(BurstBeats),
    .AxiAddrBits(AxiAddrBits)
  ) i_load_unit (
    .clk_i(unit_clk[2'(UNIT_LOAD)]),
    .rst_ni(unit_rst_n),
    .window_i(window),
    .halt_i(halt),
    .cmd_valid_i(unit_valid[2'(UNIT_LOAD)]),
    .cmd_i(unit_cmd[2'(UNIT_LOAD)]),
    .dep_met_i(dep_met[2'(UNIT_LOAD)]),
    .cmd_ready_o(unit_ready[2'(UNIT_LOAD)]),
    .start_o(trace_start_o[2'(UNIT_LOAD)]),
    .start_id_o(trace_start_id_o[2'(UNIT_LOAD)]),
    .done_o(trace_done_o[2'(UNIT_LOAD)]),
    .done_id_o(trace_done_id_o[2'(UNIT_LOAD)]),
    .id_o(unit_id_o[UNIT_LOAD]),
    .state_o(unit_state_o[UNIT_LOAD]),
    .error_valid_o(unit_error_valid[2'(UNIT_LOAD)]),
    .error_o(unit_error[2'(UNIT_LOAD)]),
    .idle_o(unit_idle[2'(UNIT_LOAD)]),
    .quiet_o(load_quiet),
    .m_axi_araddr_o,
    .m_axi_arlen_o,
    .m_axi_arvalid_o,
    .m_axi_arready_i,
    .m_axi_rdata_i,
    .m_axi_rresp_i,
    .m_axi_rlast_i,
    .m_axi_rvalid_i,
    .m_axi_rready_o,
    .wr_addr_o(load_addr),
    .wr_data_o(load_data),
    .act_wr_req_o(act_load_req),
    .act_wr_gnt_i(act_load_gnt),
    .weight_wr_req_o(weight_load_req),
    .param_wr_req_o(param_load_req),
    .table_wr_req_o(table_load_req)
  );

  tessera_store_unit #(
    .BusBytes(BusBytes),
    .ActBytes(ActBytes),
    .WriteBursts((ReadBursts < 2) ? 2 : ReadBursts),
    .BurstBeats(BurstBeats),
    .AxiAddrBits(AxiAddrBits)
  ) i_store_unit (
    .clk_i(unit_clk[2'(UNIT_STORE)]),
    .rst_ni(unit_rst_n),
    .window_i(window),
    .halt_i(halt),
    .cmd_valid_i(unit_valid[2'(UNIT_STORE)]),
    .cmd_i(unit_cmd[2'(UNIT_STORE)]),
    .dep_met_i(dep_met[2'(UNIT_STORE)]),
    .cmd_ready_o(unit_ready[2'(UNIT_STORE)]),
    .start_o(trace_start_o[2'(UNIT_STORE)]),
    .start_id_o(trace_start_id_o[2'(UNIT_STORE)]),
    .done_o(trace_done_o[2'(UNIT_STORE)]),
    .done_id_o(trace_done_id_o[2'(UNIT_STORE)]),
    .id_o(unit_id_o[UNIT_STORE]),
    .state_o(unit_state_o[UNIT_STORE]),
    .error_valid_o(unit_error_valid[2'(UNIT_STORE)]),
    .error_o(unit_error[2'(UNIT_STORE)]),
    .idle_o(unit_idle[2'(UNIT_STORE)]),
    .quiet_o(store_quiet),
    .m_axi_awaddr_o,
    .m_axi_awlen_o,
    .m_axi_awvalid_o,
    .m_axi_awready_i,
    .m_axi_wdata_o,
    .m_axi_wlast_o,
    .m_axi_wvalid_o,
    .m_axi_wready_i,
    .m_axi_bresp_i,
    .m_axi_bvalid_i,
    .m_axi_bready_o,
    .act_rd_req_o(beat_rd_req),
    .act_rd_addr_o(beat_rd_addr),
    .act_rd_gnt_i(beat_rd_gnt),
    .act_rd_data_i(beat_rd_data)
  );

  tessera_conv_unit #(
    .KLanes(KLanes),
    .NLanes(NLanes),
    .BusBytes(BusBytes),
    .ActBytes(ActBytes),
    .ActBanks(ActBanks),
    .WeightBytes(WeightBytes),
    .ParamBytes(ParamBytes),
    .AccEntries(AccEntries),
    .Depthwise(Depthwise),
    .Tables(Tables)
  ) i_conv_unit (
    .clk_i(unit_clk[2'(UNIT_CONV)]),
    .rst_ni(unit_rst_n),
    .halt_i(halt),
    .cmd_valid_i(unit_valid[2'(UNIT_CONV)]),
    .cmd_i(unit_cmd[2'(UNIT_CONV)]),
    .dep_met_i(dep_met[2'(UNIT_CONV)]),
    .cmd_ready_o(unit_ready[2'(UNIT_CONV)]),
    .start_o(trace_start_o[2'(UNIT_CONV)]),
    .start_id_o(trace_start_id_o[2'(UNIT_CONV)]),
    .done_o(trace_done_o[2'(UNIT_CONV)]),
    .done_id_o(trace_done_id_o[2'(UNIT_CONV)]),
    .id_o(unit_id_o[UNIT_CONV]),
    .state_o(unit_state_o[UNIT_CONV]),
    .error_valid_o(unit_error_valid[2'(UNIT_CONV)]),
    .error_o(unit_error[2'(UNIT_CONV)]),
    .idle_o(unit_idle[2'(UNIT_CONV)]),
    .act_rd_req_o(gather_req),
    .act_rd_addr_o(gather_addr),
    .act_rd_gnt_i(gather_gnt),
    .act_rd_data_i(gather_data),
    .res_rd_req_o(rd_req[PortResidual]),
    .res_rd_addr_o(rd_addr[PortResidual]),
    .res_rd_gnt_i(rd_gnt[PortResidual]),
    .res_rd_data_i(rd_data[PortResidual]),
    .act_wr_req_o(wr_req[PortOutput]),
    .act_wr_addr_o(wr_addr[PortOutput]),
    .act_wr_data_o(wr_data[PortOutput]),
    .act_wr_gnt_i(wr_gnt[PortOutput]),
    .wgt_rd_req_o(wgt_rd_req),
    .wgt_rd_addr_o(wgt_rd_addr),
    .wgt_rd_data_i(wgt_rd_data),
    .par_rd_req_o(par_rd_req),
    .par_rd_addr_o(par_rd_addr),
    .par_rd_data_i(par_rd_data),
    .table_o(table_use[PortOutput]),
    .table_index_o(table_index[PortOutput]),
    .table_data_i(table_data[PortOutput]),
    .array_cycle_o(array_cycle),
    .array_id_o
  );

  if (Vector) begin : gen_vector
    tessera_vector_unit #(
      .KLanes  (KLanes),
      .ActBytes(ActBytes),
      .Tables  (Tables)
    ) i_vector_unit (
      .clk_i(unit_clk[2'(UNIT_VECTOR)]),
      .rst_ni(unit_rst_n),
      .halt_i(halt),
      .cmd_valid_i(unit_valid[2'(UNIT_VECTOR)]),
      .cmd_i(unit_cmd[2'(UNIT_VECTOR)]),
      .dep_met_i(dep_met[2'(UNIT_VECTOR)]),
      .cmd_ready_o(unit_ready[2'(UNIT_VECTOR)]),
      .start_o(trace_start_o[2'(UNIT_VECTOR)]),
      .start_id_o(trace_start_id_o[2'(UNIT_VECTOR)]),
      .done_o(trace_done_o[2'(UNIT_VECTOR)]),
      .done_id_o(trace_done_id_o[2'(UNIT_VECTOR)]),
      .id_o(unit_id_o[UNIT_VECTOR]),
      .state_o(unit_state_o[UNIT_VECTOR]),
      .error_valid_o(unit_error_valid[2'(UNIT_VECTOR)]),
      .error_o(unit_error[2'(UNIT_VECTOR)]),
      .idle_o(unit_idle[2'(UNIT_VECTOR)]),
      .a_rd_req_o(rd_req[PortVectorA]),
      .a_rd_addr_o(rd_addr[PortVectorA]),
      .a_rd_gnt_i(rd_gnt[PortVectorA]),
      .a_rd_data_i(rd_data[PortVectorA]),
      .b_rd_req_o(rd_req[PortVectorB]),
      .b_rd_addr_o(rd_addr[PortVectorB]),
      .b_rd_gnt_i(rd_gnt[PortVectorB]),
      .b_rd_data_i(rd_data[PortVectorB]),
      .act_wr_req_o(wr_req[PortVector]),
      .act_wr_addr_o(wr_addr[PortVector]),
      .act_wr_data_o(wr_data[PortVector]),
      .act_wr_gnt_i(wr_gnt[PortVector]),
      .table_o(table_use[PortVector]),
      .table_index_o(table_index[PortVector]),
      .table_data_i(table_data[PortVector])
    );
  end else begin : gen_no_vector
    // The dispatcher refuses POOL, ADD and MUL: nothing ever arrives here.
    assign unit_ready[2'(UNIT_VECTOR)]       = 1'b0;
    assign trace_start_o[2'(UNIT_VECTOR)]    = 1'b0;
    assign trace_start_id_o[2'(UNIT_VECTOR)] = '0;
    assign trace_done_o[2'(UNIT_VECTOR)]     = 1'b0;
    assign trace_done_id_o[2'(UNIT_VECTOR)]  = '0;
    assign unit_id_o[UNIT_VECTOR]            = '0;
    assign unit_state_o[UNIT_VECTOR]         = WAIT_IDLE;
    assign unit_error_valid[2'(UNIT_VECTOR)] = 1'b0;
    assign unit_error[2'(UNIT_VECTOR)]       = NO_ERROR;
    assign unit_idle[2'(UNIT_VECTOR)]        = 1'b1;
    assign rd_req[PortVectorA]               = 1'b0;
    assign rd_addr[PortVectorA]              = '0;
    assign rd_req[PortVectorB]               = 1'b0;
    assign rd_addr[PortVectorB]              = '0;
    assign wr_req[PortVector]                = 1'b0;
    assign wr_addr[PortVector]               = '0;
    assign wr_data[PortVector]               = '0;
    assign table_use[PortVector]             = '0;
    assign table_index[PortVector]           = '0;
    logic unused_vector;
    assign unused_vector = ^{unit_valid[2'(UNIT_VECTOR)], unit_cmd[2'(UNIT_VECTOR)],
                             dep_met[2'(UNIT_VECTOR)],
                             rd_gnt[PortVectorB:PortVectorA], rd_data[PortVectorA],
                             rd_data[PortVectorB], wr_gnt[PortVector],
                             table_data[PortVector]};
  end

  tessera_act_sram #(
    .KLanes(KLanes),
    .BusBytes(BusBytes),
    .Bytes(ActBytes),
    .Banks(ActBanks),
    .ReadPorts(ReadPorts),
    .WritePorts(WritePorts)
  ) i_act_sram (
    .clk_i,
    .rst_ni,
    .gather_req_i(gather_req),
    .gather_addr_i(gather_addr),
    .gather_gnt_o(gather_gnt),
    .gather_data_o(gather_data),
    .rd_req_i(rd_req),
    .rd_addr_i(rd_addr),
    .rd_gnt_o(rd_gnt),
    .rd_data_o(rd_data),
    .beat_rd_req_i(beat_rd_req),
    .beat_rd_addr_i(beat_rd_addr),
    .beat_rd_gnt_o(beat_rd_gnt),
    .beat_rd_data_o(beat_rd_data),
    .wr_req_i(wr_req),
    .wr_addr_i(wr_addr),
    .wr_data_i(wr_data),
    .wr_gnt_o(wr_gnt),
    .beat_wr_req_i(act_load_req),
    .beat_wr_addr_i(load_addr),
    .beat_wr_data_i(load_data),
    .beat_wr_gnt_o(act_load_gnt)
  );

  tessera_line_sram #(
    .BusBytes(BusBytes),
    .WordBytes(NLanes),
    .Bytes(WeightBytes)
  ) i_weight_sram (
    .clk_i,
    .rst_ni,
    .wr_req_i (weight_load_req),
    .wr_addr_i(load_addr),
    .wr_data_i(load_data),
    .rd_req_i (wgt_rd_req),
    .rd_addr_i(wgt_rd_addr),
    .rd_data_o(wgt_rd_data)
  );

  tessera_line_sram #(
    .BusBytes(BusBytes),
    .WordBytes(BusBytes),
    .Bytes(ParamBytes)
  ) i_param_sram (
    .clk_i,
    .rst_ni,
    .wr_req_i (param_load_req),
    .wr_addr_i(load_addr),
    .wr_data_i(load_data),
    .rd_req_i (par_rd_req),
    .rd_addr_i(par_rd_addr),
    .rd_data_o(par_rd_data)
  );

  if (Tables != 0) begin : gen_tables
    tessera_table_sram #(
      .KLanes(KLanes),
      .BusBytes(BusBytes),
      .Tables(Tables)
    ) i_table_sram (
      .clk_i,
      .rst_ni,
      .wr_req_i (table_load_req),
      .wr_addr_i(load_addr),
      .wr_data_i(load_data),
      .table_i  (table_use),
      .index_i  (table_index),
      .data_o   (table_data)
    );
  end else begin : gen_no_tables
    // The units refuse commands that name a table.
    assign table_data = '0;
    logic unused_tables;
    assign unused_tables = ^{table_load_req, table_use, table_index};
  end

endmodule

`default_nettype wire

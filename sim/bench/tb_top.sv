// SPDX-License-Identifier: Apache-2.0
//
// The one testbench: the accelerator between a host and a memory that are written in C++ (bench.cpp).
// All backends run this module; who clocks it is the only difference.
//
//   host_port ──AXI4-Lite──► tessera_top ──AXI4──► axi_memory
//                                └─ observation ──► observer, waves
//
// Every clock, the handshakes of the cycle are reported first, with their payload, then `step` yields
// what the bench drives in the next cycle. All bench outputs are registered. Payloads cross the
// language border only when they are new, which keeps the border cheap. What is driven changes in
// seldom cycles only, and is an event of its own: logic behind it is not evaluated in the others.
`default_nettype none

module tb_top
  import tessera_isa_pkg::*;
  import tessera_pkg::*;
#(
  parameter int unsigned KLanes     = 16,
  parameter int unsigned NLanes     = 16,
  parameter int unsigned BusBytes   = 16,
  parameter int unsigned ActKib     = 128,
  parameter int unsigned ActBanks   = 8,
  parameter int unsigned WeightKib  = 64,
  parameter int unsigned ParamKib   = 8,
  parameter int unsigned AccEntries = 512,
  parameter int unsigned QueueDepth = 8,
  parameter int unsigned ReadBursts = 8,
  parameter int unsigned BurstBeats = 16,
  parameter bit          Vector     = 1'b1,
  parameter bit          Depthwise  = 1'b1,
  parameter int unsigned Tables     = 4
) (
  input  logic clk_i  /* verilator public_flat_rw */,
  input  logic rst_ni  /* verilator public_flat_rw */,
  output logic wake_o  /* verilator public_flat_rd */,  // toggles when the host's goal is reached
  output logic irq_o
);

  localparam int unsigned AxiAddrBits = 32;
  localparam int unsigned AxilAddrBits = 13;
  localparam int unsigned BusBits = 8 * BusBytes;

  // Bit positions: bench.cpp, Bench::step.
  typedef struct packed {
    id_t          array_id;
    array_cycle_e array_cycle;
    logic         counting;
    logic         irq;
    logic         host_ar_taken;
    logic         host_b_valid;
    logic         host_w_taken;
    logic         host_aw_taken;
    logic         b_taken;
    logic         r_taken;
    logic         w_waiting;
    logic         aw_waiting;
    logic         ar_waiting;
    logic         rst_n;
  } seen_t;

  typedef struct packed {
    logic       wake;
    logic       watching;
    logic       host_new;
    logic       host_ar_valid;
    logic       host_w_valid;
    logic       host_aw_valid;
    logic [1:0] b_resp;
    logic       b_valid;
    logic       r_new;
    logic [1:0] r_resp;
    logic       r_last;
    logic       r_valid;
    logic       w_ready;
    logic       aw_ready;
    logic       ar_ready;
  } driven_t;

  import "DPI-C" function chandle tessera_bench_attach(input int bus_bytes);
  import "DPI-C" function int tessera_bench_step(
    input chandle bench,
    input longint seen
  );
  import "DPI-C" function void tessera_bench_ar(
    input chandle bench,
    input longint address,
    input int len,
    input int size,
    input int burst
  );
  import "DPI-C" function void tessera_bench_aw(
    input chandle bench,
    input longint address,
    input int len,
    input int size,
    input int burst
  );
  import "DPI-C" function void tessera_bench_w(
    input chandle bench,
    input bit [BusBits-1:0] data,
    input longint strobe,
    input bit last
  );
  import "DPI-C" function void tessera_bench_r(
    input chandle bench,
    output bit [BusBits-1:0] data
  );
  import "DPI-C" function void tessera_bench_host(
    input chandle bench,
    output int write_address,
    output int write_data,
    output int read_address
  );
  import "DPI-C" function void tessera_bench_host_r(
    input chandle bench,
    input int value
  );
  import "DPI-C" function void tessera_bench_commands(
    input chandle bench,
    input int starts,
    input int dones,
    input bit [QUEUES*ID_BITS-1:0] start_ids,
    input bit [QUEUES*ID_BITS-1:0] done_ids
  );
  import "DPI-C" function void tessera_bench_units(
    input chandle bench,
    input bit [(QUEUES+1)*ID_BITS-1:0] ids,
    input bit [(QUEUES+1)*$bits(wait_e)-1:0] states
  );

  // What a unit does, under its name: for wave viewers (sim/views.py).
  typedef struct packed {
    id_t   id;
    wait_e state;
  } unit_view_t;

  chandle bench;
  initial begin
    bench = tessera_bench_attach(BusBytes);
  end

  // Driven by the bench: as it decided (_q), and as the accelerator sees it.
  driven_t driven, driven_q;
  logic [31:0] host_write_address, host_write_data, host_read_address;
  logic [31:0] host_write_address_q, host_write_data_q, host_read_address_q;
  logic [BusBits-1:0] rdata, rdata_q;
  bit change_q;  // toggles
  // Driven by the accelerator.
  logic awready, wready, bvalid, arready, rvalid;
  logic [31:0] host_rdata;
  logic m_arvalid, m_rready, m_awvalid, m_wvalid, m_wlast, m_bready;
  logic [AxiAddrBits-1:0] m_araddr, m_awaddr;
  logic [7:0] m_arlen, m_awlen;
  logic [2:0] m_arsize, m_awsize;
  logic [1:0] m_arburst, m_awburst;
  logic [ BusBits-1:0] m_wdata;
  logic [BusBytes-1:0] m_wstrb;
  logic                counting;
  logic [QUEUES-1:0] trace_start, trace_done;
  id_t [QUEUES-1:0] trace_start_id, trace_done_id;
  array_cycle_e            array_cycle;
  id_t                     array_id;
  id_t          [QUEUES:0] unit_id;
  wait_e        [QUEUES:0] unit_state;
  logic [1:0] unused_bresp, unused_rresp;
  logic unused_bits;
  unit_view_t load_unit, conv_unit, vector_unit, store_unit, dispatcher;

  assign unused_bits = ^{driven.host_new, driven.r_new, host_write_address[31:AxilAddrBits],
                         host_read_address[31:AxilAddrBits], load_unit, conv_unit, vector_unit,
                         store_unit, dispatcher};
  assign load_unit = '{id: unit_id[UNIT_LOAD], state: unit_state[UNIT_LOAD]};
  assign conv_unit = '{id: unit_id[UNIT_CONV], state: unit_state[UNIT_CONV]};
  assign vector_unit = '{id: unit_id[UNIT_VECTOR], state: unit_state[UNIT_VECTOR]};
  assign store_unit = '{id: unit_id[UNIT_STORE], state: unit_state[UNIT_STORE]};
  assign dispatcher = '{id: unit_id[UNIT_DISPATCH], state: unit_state[UNIT_DISPATCH]};
  assign wake_o = driven.wake;

  tessera_top #(
    .KLanes(KLanes),
    .NLanes(NLanes),
    .BusBytes(BusBytes),
    .ActKib(ActKib),
    .ActBanks(ActBanks),
    .WeightKib(WeightKib),
    .ParamKib(ParamKib),
    .AccEntries(AccEntries),
    .QueueDepth(QueueDepth),
    .ReadBursts(ReadBursts),
    .BurstBeats(BurstBeats),
    .Vector(Vector),
    .Depthwise(Depthwise),
    .Tables(Tables),
    .AxiAddrBits(AxiAddrBits),
    .AxilAddrBits(AxilAddrBits)
  ) i_dut (
    .clk_i,
    .rst_ni,
    .s_axil_awaddr_i(host_write_address[AxilAddrBits-1:0]),
    .s_axil_awvalid_i(driven.host_aw_valid),
    .s_axil_awready_o(awready),
    .s_axil_wdata_i(host_write_data),
    .s_axil_wvalid_i(driven.host_w_valid),
    .s_axil_wready_o(wready),
    .s_axil_bresp_o(unused_bresp),
    .s_axil_bvalid_o(bvalid),
    .s_axil_bready_i(1'b1),
    .s_axil_araddr_i(host_read_address[AxilAddrBits-1:0]),
    .s_axil_arvalid_i(driven.host_ar_valid),
    .s_axil_arready_o(arready),
    .s_axil_rdata_o(host_rdata),
    .s_axil_rresp_o(unused_rresp),
    .s_axil_rvalid_o(rvalid),
    .s_axil_rready_i(1'b1),
    .m_axi_araddr_o(m_araddr),
    .m_axi_arlen_o(m_arlen),
    .m_axi_arsize_o(m_arsize),
    .m_axi_arburst_o(m_arburst),
    .m_axi_arvalid_o(m_arvalid),
    .m_axi_arready_i(driven.ar_ready),
    .m_axi_rdata_i(rdata),
    .m_axi_rresp_i(driven.r_resp),
    .m_axi_rlast_i(driven.r_last),
    .m_axi_rvalid_i(driven.r_valid),
    .m_axi_rready_o(m_rready),
    .m_axi_awaddr_o(m_awaddr),
    .m_axi_awlen_o(m_awlen),
    .m_axi_awsize_o(m_awsize),
    .m_axi_awburst_o(m_awburst),
    .m_axi_awvalid_o(m_awvalid),
    .m_axi_awready_i(driven.aw_ready),
    .m_axi_wdata_o(m_wdata),
    .m_axi_wstrb_o(m_wstrb),
    .m_axi_wlast_o(m_wlast),
    .m_axi_wvalid_o(m_wvalid),
    .m_axi_wready_i(driven.w_ready),
    .m_axi_bresp_i(driven.b_resp),
    .m_axi_bvalid_i(driven.b_valid),
    .m_axi_bready_o(m_bready),
    .irq_o,
    .counting_o(counting),
    .trace_start_o(trace_start),
    .trace_start_id_o(trace_start_id),
    .trace_done_o(trace_done),
    .trace_done_id_o(trace_done_id),
    .array_cycle_o(array_cycle),
    .array_id_o(array_id),
    .unit_id_o(unit_id),
    .unit_state_o(unit_state)
  );

  function automatic driven_t step(seen_t seen);
    return driven_t'($bits(driven_t)'(unsigned'(tessera_bench_step(bench, 64'(seen)))));
  endfunction

  always @(posedge clk_i) begin : p_bench
    automatic driven_t next;
    automatic bit [BusBits-1:0] beat;
    automatic int write_address, write_data, read_address;

    if (rst_ni) begin
      if (m_arvalid && driven.ar_ready) begin
        tessera_bench_ar(bench, 64'(m_araddr), 32'(m_arlen), 32'(m_arsize), 32'(m_arburst));
      end
      if (m_awvalid && driven.aw_ready) begin
        tessera_bench_aw(bench, 64'(m_awaddr), 32'(m_awlen), 32'(m_awsize), 32'(m_awburst));
      end
      if (m_wvalid && driven.w_ready) begin
        tessera_bench_w(bench, m_wdata, 64'(m_wstrb), m_wlast);
      end
      if (rvalid) begin
        tessera_bench_host_r(bench, host_rdata);
      end
      if ((trace_start | trace_done) != '0) begin
        tessera_bench_commands(bench, 32'(trace_start), 32'(trace_done), trace_start_id,
                               trace_done_id);
      end
      if (driven.watching) begin
        tessera_bench_units(bench, unit_id, unit_state);
      end
    end

    next = step(
      '{
          // While the last outputs leave, the dispatcher holds END.
          array_id:
          (
          array_cycle == CYCLE_DRAIN
          ) ?
          unit_id[UNIT_DISPATCH]
          :
          array_id,
          array_cycle: array_cycle,
          counting: counting,
          irq: irq_o,
          host_ar_taken: driven.host_ar_valid && arready,
          host_b_valid: bvalid,
          host_w_taken: driven.host_w_valid && wready,
          host_aw_taken: driven.host_aw_valid && awready,
          b_taken: driven.b_valid && m_bready,
          r_taken: driven.r_valid && m_rready,
          w_waiting: m_wvalid && !driven.w_ready,
          aw_waiting: m_awvalid && !driven.aw_ready,
          ar_waiting: m_arvalid && !driven.ar_ready,
          rst_n: rst_ni
      }
    );
    if (next != driven_q || next.r_new || next.host_new) begin
      driven_q <= next;
      change_q <= !change_q;
    end
    if (next.r_new) begin
      tessera_bench_r(bench, beat);
      rdata_q <= beat;
    end
    if (next.host_new) begin
      tessera_bench_host(bench, write_address, write_data, read_address);
      host_write_address_q <= write_address;
      host_write_data_q    <= write_data;
      host_read_address_q  <= read_address;
    end
  end

  always @(change_q) begin
    driven = driven_q;
    rdata = rdata_q;
    host_write_address = host_write_address_q;
    host_write_data = host_write_data_q;
    host_read_address = host_read_address_q;
  end

endmodule

`default_nettype wire

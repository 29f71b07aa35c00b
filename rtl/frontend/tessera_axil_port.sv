// SPDX-License-Identifier: Apache-2.0
//
// AXI4-Lite slave. Writes from PUSH_WINDOW on are command words; all else goes to the register
// block.
//
// One write per cycle: address and data are taken together, the response follows in the next cycle.
// A read takes two cycles. Command words wait while the command port is full (back-pressure, no
// loss). Where there is no register, reads give 0, writes do nothing, and both answer OKAY.
`default_nettype none

`include "assert.svh"

module tessera_axil_port
  import tessera_isa_pkg::*;
#(
  parameter int unsigned AxilAddrBits = 13,
  parameter int unsigned CsrAddrBits  = 9
) (
  input  logic                    clk_i,
  input  logic                    rst_ni,
  // AXI4-Lite.
  input  logic [AxilAddrBits-1:0] s_axil_awaddr_i,
  input  logic                    s_axil_awvalid_i,
  output logic                    s_axil_awready_o,  // comb. from s_axil_wvalid_i
  input  logic [            31:0] s_axil_wdata_i,
  input  logic                    s_axil_wvalid_i,
  output logic                    s_axil_wready_o,   // comb. from s_axil_awvalid_i
  output logic [             1:0] s_axil_bresp_o,
  output logic                    s_axil_bvalid_o,
  input  logic                    s_axil_bready_i,
  input  logic [AxilAddrBits-1:0] s_axil_araddr_i,
  input  logic                    s_axil_arvalid_i,
  output logic                    s_axil_arready_o,
  output logic [            31:0] s_axil_rdata_o,
  output logic [             1:0] s_axil_rresp_o,
  output logic                    s_axil_rvalid_o,
  input  logic                    s_axil_rready_i,
  // Register block (PeakRDL pass-through interface); answers a read in a later cycle.
  output logic                    csr_req_o,
  output logic                    csr_write_o,
  output logic [ CsrAddrBits-1:0] csr_addr_o,
  output logic [            31:0] csr_wdata_o,
  input  logic                    csr_busy_i,        // a write takes effect: nothing overtakes it
  input  logic                    csr_rd_ack_i,
  input  logic [            31:0] csr_rdata_i,
  // Command port.
  output logic                    word_valid_o,
  input  logic                    word_ready_i,
  output logic [AxilAddrBits-3:0] word_index_o,
  output logic [            31:0] word_o,
  output logic                    moves_o            // state changes, needs clk_i
);

  localparam logic [1:0] Okay = 2'b00;
  localparam int unsigned CsrBytes = 1 << CsrAddrBits;

  logic [31:0] rdata_q;
  logic bvalid_q, rvalid_q, reading_q, in_range_q;
  logic write, to_commands, to_registers, write_ready, read;

  assign to_commands = s_axil_awaddr_i >= AxilAddrBits'(PUSH_WINDOW);
  assign to_registers = 32'(s_axil_awaddr_i) < CsrBytes;
  assign write_ready = (!bvalid_q || s_axil_bready_i) && (!to_commands || word_ready_i)
                       && !csr_busy_i;
  assign write = s_axil_awvalid_i && s_axil_wvalid_i && write_ready;
  assign read        = s_axil_arvalid_i && s_axil_arready_o;

  assign s_axil_awready_o = s_axil_wvalid_i && write_ready;
  assign s_axil_wready_o = s_axil_awvalid_i && write_ready;
  assign s_axil_bvalid_o = bvalid_q;
  assign s_axil_bresp_o = Okay;
  assign s_axil_arready_o = !rvalid_q && !reading_q && !write && !csr_busy_i;
  assign s_axil_rvalid_o  = rvalid_q;
  assign s_axil_rdata_o = rdata_q;
  assign s_axil_rresp_o = Okay;

  assign word_valid_o = s_axil_awvalid_i && s_axil_wvalid_i && to_commands
                        && (!bvalid_q || s_axil_bready_i) && !csr_busy_i;
  assign word_index_o = (AxilAddrBits - 2)'((s_axil_awaddr_i - AxilAddrBits'(PUSH_WINDOW)) >> 2);
  assign word_o = s_axil_wdata_i;

  assign csr_req_o   = (write && to_registers) || read;
  assign csr_write_o = write;
  assign csr_addr_o = CsrAddrBits'(csr_write_o ? s_axil_awaddr_i : s_axil_araddr_i);
  assign csr_wdata_o = s_axil_wdata_i;
  assign moves_o = write || read || bvalid_q || csr_rd_ack_i || rvalid_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      bvalid_q <= 1'b0;
      rvalid_q <= 1'b0;
      reading_q <= 1'b0;
    end else begin
      if (write) bvalid_q <= 1'b1;
      else if (s_axil_bready_i) bvalid_q <= 1'b0;
      if (read) reading_q <= 1'b1;
      else if (csr_rd_ack_i) reading_q <= 1'b0;
      if (csr_rd_ack_i) rvalid_q <= 1'b1;
      else if (s_axil_rready_i) rvalid_q <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (read) in_range_q <= 32'(s_axil_araddr_i) < CsrBytes;
    if (csr_rd_ack_i) rdata_q <= in_range_q ? csr_rdata_i : '0;
  end

  ////////////////
  // Assertions //
  ////////////////

  `ASSERT(ResponseHold, s_axil_bvalid_o && !s_axil_bready_i |=> s_axil_bvalid_o)
  `ASSERT(OnlyReadsAnswered, csr_rd_ack_i |-> reading_q)
  `ASSERT(WriteHasOneTarget, write |-> !(csr_req_o && word_valid_o))
  `ASSERT(ReadHold, s_axil_rvalid_o && !s_axil_rready_i |=> s_axil_rvalid_o && $stable(rdata_q))

endmodule

`default_nettype wire

// All RTL files, by dependency level. Paths are relative to rtl/.
// Packages
gen/tessera_isa_pkg.sv
gen/tessera_csr_pkg.sv
tessera_pkg.sv
compute/tessera_conv_pkg.sv
// Cells and memories
common/tessera_clock_gate.sv
common/tessera_fifo.sv
memory/tessera_act_sram.sv
memory/tessera_line_sram.sv
gen/tessera_csr.sv
// Front end
frontend/tessera_axil_port.sv
frontend/tessera_command_port.sv
frontend/tessera_dispatcher.sv
frontend/tessera_watchdog.sv
frontend/tessera_control.sv
frontend/tessera_perf_counters.sv
frontend/tessera_frontend.sv
// DMA
dma/tessera_burst_walker.sv
dma/tessera_load_unit.sv
dma/tessera_store_unit.sv
// Output stage
output/tessera_requantize.sv
output/tessera_rescale_add.sv
output/tessera_param_fetch.sv
output/tessera_plane_walker.sv
output/tessera_drain_walker.sv
output/tessera_output_stage.sv
output/tessera_table_sram.sv
// Conv unit
compute/tessera_conv_issue.sv
compute/tessera_weight_walker.sv
compute/tessera_gather.sv
compute/tessera_pixel_walker.sv
compute/tessera_operand.sv
compute/tessera_dot_product.sv
compute/tessera_accumulator.sv
compute/tessera_conv_unit.sv
// Vector unit
vector/tessera_vector_check.sv
vector/tessera_vector_walker.sv
vector/tessera_vector_unit.sv
// Top
tessera_top.sv

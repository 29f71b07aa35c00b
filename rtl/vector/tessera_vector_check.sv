// SPDX-License-Identifier: Apache-2.0
//
// Field rules of POOL, ADD and MUL (accel/rules.py). Combinational.
`default_nettype none

module tessera_vector_check
  import tessera_isa_pkg::*;
  import tessera_pkg::*;
#(
  parameter int unsigned KLanes = 16,
  parameter int unsigned Tables = 4
) (
  input  logic      is_pool_i,
  input  pool_cmd_t pool_i,
  input  add_cmd_t  add_i,     // or MUL: what both have lies in the same place
  input  mul_cmd_t  mul_i,
  input  logic      is_mul_i,
  output logic      legal_o
);

  localparam int unsigned KShift = $clog2(KLanes);

  function automatic logic shift_ok(logic [5:0] shift);
    return shift != '0 && shift <= 6'(SHIFT_MAX);
  endfunction

  logic pool_ok, add_ok, twice_ok;

  assign twice_ok = is_mul_i ? !mul_i.multiplier[31] : !add_i.sum_mult[31]
      && add_i.a_mult != 32'h8000_0000 && add_i.b_mult != 32'h8000_0000;

  assign pool_ok = pool_i.in_h != '0 && pool_i.in_w != '0 && pool_i.kernel_h != '0
      && pool_i.kernel_w != '0 && pool_i.stride_y != '0 && pool_i.stride_x != '0
      && pool_i.blocks != '0 && pool_i.out_h != '0 && pool_i.out_w != '0
      && (pool_i.in_addr[KShift-1:0] | pool_i.in_plane[KShift-1:0] | pool_i.in_pitch[KShift-1:0]
        | pool_i.out_addr[KShift-1:0] | pool_i.out_plane[KShift-1:0]
        | pool_i.out_pitch[KShift-1:0] | pool_i.out_step[KShift-1:0]) == '0
      && pool_i.out_step != '0 && 32'(pool_i.use_table) <= Tables
      && pool_i.kind <= POOL_AVERAGE
      && (pool_i.kind == POOL_MAX || (shift_ok(
      pool_i.shift
  ) && !pool_i.multiplier[31]));

  assign add_ok = add_i.blocks != '0 && add_i.out_h != '0 && add_i.out_w != '0
      && (add_i.a_addr[KShift-1:0] | add_i.a_plane[KShift-1:0] | add_i.a_pitch[KShift-1:0]
        | add_i.b_addr[KShift-1:0] | add_i.b_plane[KShift-1:0] | add_i.b_pitch[KShift-1:0]
        | add_i.out_addr[KShift-1:0] | add_i.out_plane[KShift-1:0]
        | add_i.out_pitch[KShift-1:0] | add_i.out_step[KShift-1:0]) == '0
      && add_i.out_step != '0 && 32'(add_i.use_table) <= Tables
      && shift_ok(
      add_i.shift
  ) && (!add_i.rounding || twice_ok);

  assign legal_o = is_pool_i ? pool_ok : add_ok;

  logic unused_fields;
  assign unused_fields = ^{pool_i, add_i, mul_i};

endmodule

`default_nettype wire

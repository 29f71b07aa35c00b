// SPDX-License-Identifier: Apache-2.0
//
// Jobs that the conv unit's issue stage hands to its walkers.
`default_nettype none

package tessera_conv_pkg;

  import tessera_isa_pkg::*;
  import tessera_pkg::*;

  // Addresses and steps may run outside of the SRAM where padding is: signed, with headroom.
  typedef logic signed [27:0] pos_t;
  // Input coordinates, negative in the padding above and left.
  typedef logic signed [19:0] coord_t;

  // FOLD: lanes `first` to `stop` - 1 take the bytes of a row's word pair from `shift` onward.
  typedef struct packed {
    logic [5:0] first;
    logic [5:0] stop;
    logic [4:0] shift;
  } lane_run_t;

  // How gathered words become an operand of the array.
  typedef struct packed {
    conv_mode_e                  mode;
    gather_mask_t                present;  // the others are padding
    lane_run_t [GATHER_ROWS-1:0] runs;     // FOLD
    logic      [2:0]             rows;     // DEPTHWISE: of the window
    logic      [7:0]             kernel_w; // DEPTHWISE: columns of the window
    logic                        two;      // DEPTHWISE: columns that arrive, 1 or 2
    logic signed [7:0]           zp;
    logic                        centered; // DENSE: the zero point is taken off
  } feed_t;

  // How the words of a weight tile become weights.
  typedef struct packed {
    logic              transposed;  // words are output channels, not input lanes
    logic signed [7:0] zp;          // taken off
  } weight_form_t;

  // Weight walker: a run of weight tiles.
  typedef struct packed {
    id_t          id;
    addr_t        addr;
    logic [31:0]  tiles;
    weight_form_t form;
  } weight_job_t;

  // Pixel walker: the loops of a CONV, with all steps precomputed. In FOLD mode columns are bytes.
  typedef struct packed {
    id_t               id;
    conv_mode_e        mode;
    logic              first;
    logic              last;
    logic signed [7:0] in_zp;
    logic              centered;
    pos_t              base;        // first read of output pixel (0, 0), first block
    pos_t              step_x;      // next output pixel
    pos_t              step_y;      // next output row
    pos_t              step_kx;     // next kernel column
    pos_t              step_row;    // next kernel row (FOLD: less fold_bytes)
    pos_t              step_cb;     // next channel block
    pos_t              step_n;      // next n-block
    coord_t            iy;          // coordinates that belong to `base`
    coord_t            ix;
    logic [3:0]        stride_y;
    logic [7:0]        stride_x;    // columns
    logic [5:0]        dilation_y;
    logic [5:0]        dilation_x;
    logic [11:0]       in_h;
    logic [15:0]       in_w;        // columns
    logic [7:0]        kernel_h;
    logic [7:0]        kernel_w;
    logic [7:0]        steps_h;     // kernel loops: rows (DEPTHWISE, FOLD: passes) ...
    logic [7:0]        steps_w;     // ... and columns
    logic [2:0]        pass_rows;   // kernel rows in a pass
    logic [7:0]        fold_bytes;
    logic [6:0]        fill;        // DEPTHWISE: reads before a row's first output pixel
    logic [11:0]       cin_blocks;
    logic [11:0]       n_blocks;
    logic [11:0]       out_h;
    logic [11:0]       out_w;
  } pixel_job_t;

  // Parameter fetch: a run of parameter records.
  typedef struct packed {
    id_t         id;
    addr_t       addr;
    logic [11:0] records;
  } param_job_t;

  // How a word of the output stage is finished after requantization.
  typedef struct packed {
    tail_t              tail;       // of the requantization
    logic               twice;      // it rounds twice
    logic               residual;
    logic signed [7:0]  res_zp;
    logic signed [31:0] self_mult;
    logic signed [31:0] res_mult;
    logic [5:0]         shift;
    tail_t              add_tail;
    logic [3:0]         use_table;
  } rule_t;

  // Drain walker: the output tile of a CONV.
  typedef struct packed {
    id_t         id;
    logic        last;       // 0: the sums stay, nothing is written
    logic [11:0] n_blocks;
    logic [11:0] out_h;
    logic [11:0] out_w;
    addr_t       out_addr;
    addr_t       out_plane;
    logic [19:0] out_pitch;
    logic [19:0] out_step;
    addr_t       res_addr;
    addr_t       res_plane;
    logic [19:0] res_pitch;
    rule_t       rule;
  } drain_job_t;

  // What travels with a word through the output stage.
  typedef struct packed {
    logic  write;
    logic  done;   // last word of its command
    id_t   id;
    addr_t addr;
    rule_t rule;
  } word_tag_t;

endpackage

`default_nettype wire

# SPDX-License-Identifier: Apache-2.0
"""The testbench: SystemVerilog and C++, and the Python that runs inside a cocotb simulation."""

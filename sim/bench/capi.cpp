// SPDX-License-Identifier: Apache-2.0
//
// The simulator as a library: makes the Verilated model and drives its clock.
#include <memory>

#include <verilated.h>

#include "Vtop.h"
#include "Vtop___024root.h"
#include "bench.h"

// What Vtop::eval runs. Around it, Vtop only serves threads and objects that the model deletes, of
// which there are none, and tracing.
void Vtop___024root___eval(Vtop___024root* root);

using tessera::Bench;

namespace {

constexpr int kResetCycles = 4;

// A model with its testbench. The bench outlives the model, whose DPI calls refer to it.
struct Simulator {
  std::unique_ptr<Bench> bench = std::make_unique<Bench>();
  std::unique_ptr<VerilatedContext> context = std::make_unique<VerilatedContext>();
  std::unique_ptr<Vtop> top;
};

void evaluate(Vtop& top) { top.eval(); }

// The same for a model that was evaluated before.
void evaluate_again(Vtop& top) {
#if VM_TRACE
  top.eval();
#else
  Vtop___024root___eval(top.rootp);
#endif
}

template <void (*kEvaluate)(Vtop&)>
void clock(Simulator& sim) {
  Bench& bench = *sim.bench;
  sim.top->clk_i = 1;
  kEvaluate(*sim.top);
  if (bench.dumping()) bench.waves.dump(2 * bench.cycles());
  sim.top->clk_i = 0;
  kEvaluate(*sim.top);
  if (bench.dumping()) bench.waves.dump(2 * bench.cycles() + 1);
  sim.context->timeInc(1);
}

// Tell the thread-local machinery which model is meant.
void enter(Simulator& sim) {
  Verilated::threadContextp(sim.context.get());
  Bench::set_current(sim.bench.get());
}

}  // namespace

extern "C" {

Simulator* tessera_open() {
  auto sim = std::make_unique<Simulator>();
  enter(*sim);
  sim->context->fatalOnError(false);  // a failing assertion ends the run, not the process
#if VM_TRACE
  sim->context->traceEverOn(true);
#endif
  sim->top = std::make_unique<Vtop>(sim->context.get(), "");  // named as under cocotb
  return sim.release();
}

Bench* tessera_bench(Simulator* sim) { return sim->bench.get(); }

// Reset bench and hardware. The memory's content stays.
void tessera_hard_reset(Simulator* sim) {
  enter(*sim);
  sim->bench->reset();
  sim->top->rst_ni = 0;
  for (int i = 0; i < kResetCycles; ++i) clock<evaluate>(*sim);
  sim->top->rst_ni = 1;
}

// Clock until the goal under way ends, at most `cycles`.
void tessera_run(Simulator* sim, uint64_t cycles) {
  enter(*sim);
  Bench& bench = *sim->bench;
  for (; cycles > 0 && bench.busy(); --cycles) {
    clock<evaluate_again>(*sim);
    if (sim->context->gotFinish()) {
      bench.fail("an assertion in the RTL failed (its text is on standard output)");
      return;
    }
  }
}

void tessera_close(Simulator* sim) {
  enter(*sim);
  sim->bench->waves.close();
  sim->top->final();
  sim->top.reset();
  Bench::set_current(nullptr);
  delete sim;
}

}  // extern "C"

// SPDX-License-Identifier: Apache-2.0
//
// The simulator as a library: makes the Verilated model and drives its clock.
#include <memory>

#include <verilated.h>

#include "Vtop.h"
#include "Vtop___024root.h"
#include "bench.h"

// What Vtop::eval runs, in its parts: inputs spread, edges are found, registers change. Around them,
// Vtop only serves threads, objects that the model deletes (there are none) and tracing.
bool Vtop___024root___eval_phase__ico(Vtop___024root* root);
bool Vtop___024root___eval_phase__act(Vtop___024root* root);
bool Vtop___024root___eval_phase__nba(Vtop___024root* root);

using tessera::Bench;

namespace {

constexpr int kResetCycles = 4;

// A model with its testbench. The bench outlives the model, whose DPI calls refer to it.
struct Simulator {
  std::unique_ptr<Bench> bench = std::make_unique<Bench>();
  std::unique_ptr<VerilatedContext> context = std::make_unique<VerilatedContext>();
  std::unique_ptr<Vtop> top;
};

void clock(Simulator& sim) {
  Bench& bench = *sim.bench;
  sim.top->clk_i = 1;
  sim.top->eval();
  if (bench.dumping()) bench.waves.dump(2 * bench.cycles());
  sim.top->clk_i = 0;
  sim.top->eval();
  if (bench.dumping()) bench.waves.dump(2 * bench.cycles() + 1);
  sim.context->timeInc(1);
}

#if VM_TRACE

void clock_again(Simulator& sim) { clock(sim); }

#else

void set_clock(Vtop___024root& root, bool high) {
  root.clk_i = high;
  root.__VicoFirstIteration = 1;
  Vtop___024root___eval_phase__ico(&root);
  Vtop___024root___eval_phase__act(&root);
}

// The same as `clock` for a model that was evaluated before, without looking twice for edges when the
// clock rises: what registers then start (a reset, a new value that the bench drives) starts when it
// falls, and nothing looks at it in between.
void clock_again(Simulator& sim) {
  Vtop___024root& root = *sim.top->rootp;
  set_clock(root, true);
  Vtop___024root___eval_phase__nba(&root);
  set_clock(root, false);
  while (Vtop___024root___eval_phase__nba(&root)) Vtop___024root___eval_phase__act(&root);
  sim.context->timeInc(1);
}

#endif

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
  for (int i = 0; i < kResetCycles; ++i) clock(*sim);
  sim->top->rst_ni = 1;
}

// Clock until the goal under way ends, at most `cycles`.
void tessera_run(Simulator* sim, uint64_t cycles) {
  enter(*sim);
  Bench& bench = *sim->bench;
  for (; cycles > 0 && bench.busy(); --cycles) {
    clock_again(*sim);
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

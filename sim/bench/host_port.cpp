// SPDX-License-Identifier: Apache-2.0
#include "host_port.h"

namespace tessera {

namespace {

constexpr uint32_t kPushWindow = 0x1000;  // accel/isa.py PUSH_WINDOW

}  // namespace

void HostPort::reset() { *this = HostPort{}; }

void HostPort::post(uint32_t address, uint32_t value) {
  queue_.push_back({address, value});
  registers_queued_ += address < kPushWindow;
}

void HostPort::start_read(uint32_t address) {
  goal_ = Goal::Read;
  outcome_ = Outcome::Running;
  read_ = address;
  asked_ = false;
  waited_ = blocked_ = 0;
}

void HostPort::start_wait(uint64_t max_cycles) {
  goal_ = Goal::Interrupt;
  outcome_ = Outcome::Running;
  limit_ = max_cycles;
  waited_ = 0;
}

void HostPort::read_data(uint32_t value) {
  value_ = value;
  outcome_ = Outcome::Reached;
}

const HostPort::Pins& HostPort::step(const Handshakes& seen) {
  pins_.is_new = false;
  step_write(seen);
  if (seen.ar_taken) pins_.ar_valid = false;
  if (outcome_ == Outcome::Running) step_goal(seen);
  return pins_;
}

uint64_t HostPort::rest() const {
  const bool waits = outcome_ == Outcome::Running && goal_ == Goal::Interrupt;
  if (!waits || pins_.is_new) return 0;
  return limit_ - waited_ - 1;
}

void HostPort::step_write(const Handshakes& seen) {
  const bool was_presented = pins_.aw_valid || pins_.w_valid;
  if (seen.aw_taken) pins_.aw_valid = false;
  if (seen.w_taken) pins_.w_valid = false;
  if (was_presented && !pins_.aw_valid && !pins_.w_valid) {
    ++unanswered_;
    registers_queued_ -= write_.address < kPushWindow;
  }
  if (seen.b_valid && unanswered_ > 0) --unanswered_;
  blocked_ = (seen.aw_taken || seen.w_taken || seen.b_valid) ? 0 : blocked_ + 1;
  if (!pins_.aw_valid && !pins_.w_valid && !queue_.empty()) {
    write_ = queue_.front();
    queue_.pop_front();
    pins_.aw_valid = pins_.w_valid = pins_.is_new = true;
  }
  quiet_ = writes_done() ? quiet_ + 1 : 0;
}

void HostPort::step_goal(const Handshakes& seen) {
  ++waited_;
  if (goal_ == Goal::Interrupt) {
    if (seen.irq && quiet_ > kSettleCycles) {
      outcome_ = Outcome::Reached;
    } else if (waited_ >= limit_) {
      outcome_ = Outcome::Expired;
    }
    return;
  }
  const bool overtakes = registers_queued_ == 0 && blocked_ > kOvertakeCycles;
  if (blocked_ > kAnswerCycles) outcome_ = Outcome::Expired;
  if (asked_ || !(writes_done() || overtakes)) return;
  asked_ = true;
  pins_.ar_valid = pins_.is_new = true;
}

}  // namespace tessera

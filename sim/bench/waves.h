// SPDX-License-Identifier: Apache-2.0
//
// Waveform dump of a model built with tracing: everything, or only the cycles in which a unit works
// on one of the chosen commands, or only a range of cycles. The format is FST.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace tessera {

struct WaveWindow {
  uint32_t first_id = 0, last_id = UINT32_MAX;     // commands, inclusive
  uint64_t first_cycle = 0, last_cycle = UINT64_MAX;  // since the model was made, inclusive
};

class Waves {
 public:
  Waves();
  ~Waves();

  // Start writing `path`. False: this model was built without tracing, or no such format.
  bool open(const std::string& path, const WaveWindow& window);
  void close();

  bool is_open() const { return file_ != nullptr; }
  // Whether `units` needs to be called.
  bool watching() const { return watching_; }
  // Event of this cycle: ids (packed, 24 bits) and states (packed wait_e) of the five units.
  void units(const uint32_t* ids, const uint32_t* states);
  // Whether this cycle is to be dumped. Once per cycle, after `units`.
  bool step(uint64_t cycle);
  // Dump the model's signals as of half-cycle `time`.
  void dump(uint64_t time);

 private:
  struct File;
  std::unique_ptr<File> file_;
  WaveWindow window_;
  bool watching_ = false;
  bool in_window_ = false;
};

}  // namespace tessera

// Rows of the bench: what runs, on which shape, and where results go.
#pragma once

#include <optional>
#include <regex>
#include <string>
#include <vector>

#include "operands.h"
#include "scratch.h"
#include "timer.h"

namespace minference::cuda::bench {

struct Options {
  std::optional<std::regex> only;
  std::string json;  // path, or ""
  DataType dtype = DataType::kBFloat16;
  int runs = 7;
  bool quick = false;                 // nothing beyond 128K keys
  int64_t shrink = 1;                 // divides the tokens: for the emulator
  std::vector<std::string> operands;  // files of a model's operands
  std::vector<HeadPattern> patterns;  // of their heads
};

struct Row {
  std::string id;  // "what-length/part": compare.ts joins those of the baselines by it
  Shape shape;
  Time time{};
  double flops = 0;  // of the computed tiles, or of dense causal attention
  double bytes = 0;  // read and written, or held
  std::string note{};
};

class Bench {
 public:
  explicit Bench(const Options& options);
  ~Bench();
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  bool wants(const std::string& id) const;
  int64_t tokens(int64_t thousands) const { return thousands * 1024 / options_.shrink; }
  const Options& options() const { return options_; }
  const Context& context() const { return context_; }
  Scratch& scratch() { return scratch_; }

  // Times `work` on fresh scratch memory, or on what is already taken.
  Time time(const std::function<void()>& work);
  Time time_keeping_scratch(const std::function<void()>& work);
  void add(Row row);
  void write_json() const;

 private:
  Options options_;
  cudaStream_t stream_ = nullptr;
  Scratch scratch_;
  Context context_;
  std::optional<Timer> timer_;
  std::vector<Row> rows_;
};

// 4·head_dim for each pair of a row and a key that it sees.
double dense_flops(const Shape& shape);

void add_dense_rows(Bench& bench);
void add_sparse_rows(Bench& bench);
void add_block_rows(Bench& bench);
void add_memory_row(Bench& bench);
void add_probe_row(Bench& bench);
void add_decode_rows(Bench& bench);
void add_real_rows(Bench& bench);

}  // namespace minference::cuda::bench

#include "bench.h"

namespace minference::cuda::bench {
namespace {

void add_dense_row(Bench& bench, const std::string& id, const Shape& shape) {
  if (!bench.wants(id)) return;
  const Operands operands(shape, bench.options().dtype, bench.context().stream);
  rope_and_cache(operands.rope(), bench.context());
  const Time time = bench.time([&] { attention(operands.attention(), bench.context()); });
  bench.add({.id = id, .shape = shape, .time = time, .flops = dense_flops(shape)});
}

}  // namespace

void add_dense_rows(Bench& bench) {
  add_dense_row(bench, "dense-32k", {bench.tokens(32), 32, 8, 128});
  add_dense_row(bench, "dense-128k", {bench.tokens(128), 32, 8, 128});
  add_dense_row(bench, "dense-32k-d64", {bench.tokens(32), 32, 8, 64});
}

// One row after a long cache: the cache is read once.
void add_decode_rows(Bench& bench) {
  const std::string id = "decode-128k";
  const Shape shape{bench.tokens(128), 32, 8, 128, 1};
  if (!bench.wants(id)) return;
  const Operands operands(shape, bench.options().dtype, bench.context().stream);
  rope_and_cache(operands.rope(), bench.context());
  const Time time = bench.time([&] { attention(operands.attention(), bench.context()); });
  const double bytes = 2.0 * sizeof(uint16_t) * static_cast<double>(shape.tokens * shape.kv_heads * shape.head_dim);
  char note[64];
  std::snprintf(note, sizeof(note), "%.0f GB/s", bytes / time.median * 1e-6);
  bench.add({.id = id, .shape = shape, .time = time, .bytes = bytes, .note = note});
}

}  // namespace minference::cuda::bench

// The inner kernels of one instruction set, as a table of functions chosen at run time. The translation units that
// implement it are compiled with that instruction set, so they share no inline code with the rest: plain types only
// here.
#pragma once

#include <cstdint>

namespace minference::cpu {

constexpr int64_t kPanelKeys = 16;   // keys of a panel, for every instruction set
constexpr int64_t kTilePanels = 16;  // panels of one online-softmax step: scores of 256 keys per row
constexpr int64_t kTileKeys = kPanelKeys * kTilePanels;
constexpr int64_t kMaxRowGroup = 8;  // largest KernelTable::row_group
constexpr int64_t kRowBlock = 64;    // query rows per task

// 16 keys and their values. A key panel is transposed, [head_dim][16]; a value panel is row-major, [16][d_pad].
struct Panel {
  const float* k;
  const float* v;
  // Absolute position of each key, or kNoKey for a lane that must not count. Read for masked panels only.
  const int32_t* positions;
  int32_t first;  // lowest position in the panel
};
constexpr int32_t kNoKey = 0x7fffffff;

// Query rows that share their keys, with the state of their online softmax in the base-2 domain. Buffers are 64-byte
// aligned; per-row arrays have room for rows rounded up to kMaxRowGroup.
struct RowBlock {
  int64_t rows;
  int64_t d;
  int64_t d_pad;             // head_dim rounded up to 16
  const float* q;            // [ceil(rows / row_group)][d][row_group], scaled
  float* out;                // [rows][d_pad], not yet divided by `sum`
  float* max;                // [rows]
  float* sum;                // [rows]
  float* scores;             // scratch [row_group][kTileKeys]
  const int32_t* positions;  // [rows] absolute position of each row; ascending within a row group
  int64_t window;            // row sees only keys > position - window; < 0 = all
  bool skip_zeros;           // leave values out that have no weight, which are not finite: 0 * NaN is not 0
  float cap;                 // > 0: scores hold x / cap; the logit is cap · tanh(x / cap), here in base-2 units
};

struct KernelTable {
  const char* name;
  int64_t row_group;  // rows of the register block

  // 16 rows of `d` elements (float16 if `half`) at rows[0 … count), transposed to [d][16]; missing rows are zero.
  void (*pack_keys)(const void* const* rows, int64_t count, bool half, int64_t d, float* panel);
  // The same rows as [16][d_pad], zero-padded.
  void (*pack_values)(const void* const* rows, int64_t count, bool half, int64_t d, int64_t d_pad, float* panel);
  // rows[0 … count), times scale, as [ceil(count / row_group)][d][row_group], zero-padded.
  void (*pack_queries)(const void* const* rows, int64_t count, bool half, int64_t d, float scale, float* packed);

  // max = lowest, sum = 0, out = 0.
  void (*reset)(const RowBlock& block);
  // One step of online softmax over up to kTilePanels panels.
  void (*attend)(const RowBlock& block, const Panel* panels, int64_t count, bool masked);

  // Scores of one packed row group against `count` contiguous panels [count][d][16]: out[r * stride + key].
  void (*scores)(const float* q, const float* panels, int64_t count, int64_t d, float* out, int64_t stride);
  // x = cap · tanh(x).
  void (*soft_cap)(float* x, int64_t n, float cap);
  float (*row_max)(const float* x, int64_t n);
  // x = 2^(x - max); returns the sum.
  float (*exp_sum)(float* x, int64_t n, float max);
  // columns[j] += x[j] * scale, diagonals[j] += x[j] * scale.
  void (*add_scaled)(const float* x, int64_t n, float scale, float* columns, float* diagonals);

  void (*to_float)(const void* from, bool half, int64_t n, float* to);
  // to[i] = from[i] * scale.
  void (*from_float)(const float* from, int64_t n, float scale, bool half, void* to);
};

const KernelTable* kernel_table_generic();
const KernelTable* kernel_table_avx2();
const KernelTable* kernel_table_avx512();

// The best table of this processor, or the one that MINFERENCE_SIMD (generic, avx2, avx512) asks for and it can run.
const KernelTable& kernels();

}  // namespace minference::cpu

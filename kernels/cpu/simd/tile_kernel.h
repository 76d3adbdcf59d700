// Scores, online softmax and P·V of one tile, and the packing that feeds them. Include after vec_*.h and vec_math.h.
#pragma once

#include "kernel_table.h"

namespace {

using minference::cpu::kPanelKeys;
using minference::cpu::kTileKeys;
using minference::cpu::kTilePanels;
using minference::cpu::Panel;
using minference::cpu::RowBlock;

constexpr int kVecs = 2;                         // vectors per row of the register block
constexpr int kPanelVecs = kPanelKeys / kWidth;  // vectors of one panel row
constexpr float kMasked = -1e30f;                // score of a key that does not count
constexpr float kLowest = -1e29f;                // running maximum before the first key: above kMasked, so that
                                                 // rows without keys keep sum 0
constexpr float kLog2e = 1.4426950408889634f;

// Scores of R rows against N vectors of keys: s[r][n] = sum_i q[i][r] * k[n][i * 16]. Returns them in `acc`.
template <int R, int N>
inline __attribute__((always_inline)) void dot(const float* q, const float* const (&k)[N], int64_t d,
                                               Vec (&acc)[R][N]) {
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n) acc[r][n] = zero();
  }
  for (int64_t i = 0; i < d; ++i) {
    const Vec first = load(k[0] + i * kPanelKeys), second = load(k[N - 1] + i * kPanelKeys);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const Vec x = set1(q[i * kRows + r]);
      acc[r][0] = fma(x, first, acc[r][0]);
      if constexpr (N == 2) acc[r][1] = fma(x, second, acc[r][1]);
    }
  }
}

// Scores of R rows against N vectors, stored at s (row stride kTileKeys); `top` keeps the lanes' maxima of each row.
// Not inlined, like add_values: next to the exponential, whose constants the compiler keeps in registers, it would
// spill.
template <int R, int N>
__attribute__((noinline)) void dot_and_store(const float* q, const float* const (&k)[N], int64_t d, float* s,
                                             Vec (&top)[R]) {
  Vec acc[R][N];
  dot<R, N>(q, k, d, acc);
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n) {
      store(s + r * kTileKeys + n * kWidth, acc[r][n]);
      top[r] = max(top[r], acc[r][n]);
    }
  }
}

template <int R>
void score_panels(const float* q, const Panel* const* panels, int count, int64_t d, float* s, Vec (&top)[R]) {
  if constexpr (kPanelVecs == 1) {
    int p = 0;
    for (; p + kVecs <= count; p += kVecs) {
      const float* const k[kVecs] = {panels[p]->k, panels[p + 1]->k};
      dot_and_store<R, kVecs>(q, k, d, s + p * kPanelKeys, top);
    }
    for (; p < count; ++p) {
      const float* const k[1] = {panels[p]->k};
      dot_and_store<R, 1>(q, k, d, s + p * kPanelKeys, top);
    }
  } else {
    for (int p = 0; p < count; ++p) {
      for (int part = 0; part < kPanelVecs; part += kVecs) {
        const float* const k[kVecs] = {panels[p]->k + part * kWidth, panels[p]->k + (part + 1) * kWidth};
        dot_and_store<R, kVecs>(q, k, d, s + p * kPanelKeys + part * kWidth, top);
      }
    }
  }
}

// out[r][column …] = out[r][column …] * alpha[r] + sum_key p[r][key] * v[key][column …] for N vectors of columns.
// `SkipZeros`: keys without weight are left out, as 0 · NaN would not be 0.
template <int R, int N, bool SkipZeros>
__attribute__((noinline)) void add_values(const float* p, const Panel* const* panels, int count, int64_t d_pad,
                                          int64_t column, const float* alpha, float* out) {
  Vec acc[R][N];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    const Vec scale = set1(alpha[r]);
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n) acc[r][n] = mul(load(out + r * d_pad + column + n * kWidth), scale);
  }
  for (int panel = 0; panel < count; ++panel) {
    const float* v = panels[panel]->v + column;
    const float* weights = p + panel * kPanelKeys;
    for (int key = 0; key < kPanelKeys; ++key) {
      const Vec first = load(v + key * d_pad), second = load(v + key * d_pad + (N - 1) * kWidth);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        if (SkipZeros && weights[r * kTileKeys + key] == 0) continue;
        const Vec x = set1(weights[r * kTileKeys + key]);
        acc[r][0] = fma(x, first, acc[r][0]);
        if constexpr (N == 2) acc[r][1] = fma(x, second, acc[r][1]);
      }
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n) store(out + r * d_pad + column + n * kWidth, acc[r][n]);
  }
}

// Soft-caps and masks the scores in place and recomputes the lanes' maxima.
template <int R>
void cap_and_mask(const RowBlock& block, int64_t row, const Panel* const* panels, int count, bool masked, float* s,
                  Vec (&top)[R]) {
  for (int r = 0; r < R; ++r) {
    const int32_t high = block.positions[row + r];
    const int32_t low = block.window < 0 || block.window > high ? -1 : static_cast<int32_t>(high - block.window);
    top[r] = set1(kMasked);
    for (int i = 0; i < count * kPanelVecs; ++i) {
      float* at = s + r * kTileKeys + i * kWidth;
      Vec x = load(at);
      if (block.cap > 0) x = mul(tanh(x), set1(block.cap));
      if (masked) x = keep_visible(x, panels[i / kPanelVecs]->positions + i % kPanelVecs * kWidth, low, high, kMasked);
      store(at, x);
      top[r] = max(top[r], x);
    }
  }
}

template <int R, bool SkipZeros>
void add_all_values(const RowBlock& block, int64_t row, const Panel* const* panels, int count, const float* alpha) {
  float* out = block.out + row * block.d_pad;
  int64_t column = 0;
  for (; column + kVecs * kWidth <= block.d_pad; column += kVecs * kWidth) {
    add_values<R, kVecs, SkipZeros>(block.scores, panels, count, block.d_pad, column, alpha, out);
  }
  for (; column < block.d_pad; column += kWidth) {
    add_values<R, 1, SkipZeros>(block.scores, panels, count, block.d_pad, column, alpha, out);
  }
}

template <int R>
void attend_group(const RowBlock& block, int64_t row, const Panel* const* panels, int count, bool masked) {
  const float* q = block.q + row * block.d;
  float* s = block.scores;
  Vec top[R];
  for (int r = 0; r < R; ++r) top[r] = set1(kMasked);
  score_panels<R>(q, panels, count, block.d, s, top);
  if (masked || block.cap > 0) cap_and_mask<R>(block, row, panels, count, masked, s, top);

  float alpha[R];
  for (int r = 0; r < R; ++r) {
    const float before = block.max[row + r];
    const float tile = reduce_max(top[r]);
    const float now = tile > before ? tile : before;
    const Vec shift = set1(now);
    Vec sum = zero();
    for (int i = 0; i < count * kPanelVecs; ++i) {
      float* at = s + r * kTileKeys + i * kWidth;
      const Vec p = exp2_nonpositive(sub(load(at), shift));
      store(at, p);
      sum = add(sum, p);
    }
    float first[kWidth];
    store(first, exp2_nonpositive(sub(set1(before), shift)));
    alpha[r] = first[0];
    block.max[row + r] = now;
    block.sum[row + r] = block.sum[row + r] * alpha[r] + reduce_add(sum);
  }

  if (block.skip_zeros) {
    add_all_values<R, true>(block, row, panels, count, alpha);
  } else {
    add_all_values<R, false>(block, row, panels, count, alpha);
  }
}

void attend(const RowBlock& block, const Panel* panels, int64_t count, bool masked) {
  const Panel* used[kTilePanels];
  int all = 0;
  if (!masked) {
    for (; all < count; ++all) used[all] = panels + all;
  }
  for (int64_t row = 0; row < block.rows; row += kRows) {
    const int64_t rows = block.rows - row < kRows ? block.rows - row : kRows;
    int n = all;
    for (int64_t p = 0; masked && p < count; ++p) {  // panels that no row of the group sees cost nothing
      if (panels[p].first <= block.positions[row + rows - 1]) used[n++] = panels + p;
    }
    if (n == 0) continue;
    if (rows == 1) {
      attend_group<1>(block, row, used, n, masked);
    } else if (rows == 2) {
      attend_group<2>(block, row, used, n, masked);
    } else if (rows <= 4) {
      attend_group<4>(block, row, used, n, masked);
    } else {
      attend_group<kRows>(block, row, used, n, masked);
    }
  }
}

void reset(const RowBlock& block) {
  for (int64_t r = 0; r < block.rows; ++r) {
    block.max[r] = kLowest;
    block.sum[r] = 0;
  }
  for (int64_t i = 0; i < block.rows * block.d_pad; i += kWidth) store(block.out + i, zero());
}

}  // namespace

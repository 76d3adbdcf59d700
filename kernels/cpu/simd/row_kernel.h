// Whole rows of scores, for the estimates of the index builders. Include after vec_*.h, vec_math.h and tile_kernel.h.
#pragma once

#include "tile_kernel.h"

namespace {

void scores(const float* q, const float* panels, int64_t count, int64_t d, float* out, int64_t stride) {
  constexpr int vecs = kPanelVecs == 1 ? 1 : kVecs;
  for (int64_t p = 0; p < count; ++p) {
    for (int part = 0; part < kPanelVecs; part += vecs) {
      const float* k[vecs];
      for (int n = 0; n < vecs; ++n) k[n] = panels + p * d * kPanelKeys + (part + n) * kWidth;
      const float* const(&keys)[vecs] = k;
      Vec acc[kRows][vecs];
      dot<kRows, vecs>(q, keys, d, acc);
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
        for (int n = 0; n < vecs; ++n) store(out + r * stride + p * kPanelKeys + (part + n) * kWidth, acc[r][n]);
      }
    }
  }
}

void soft_cap(float* x, int64_t n, float cap) {
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) store(x + i, mul(tanh(load(x + i)), set1(cap)));
  if (i == n) return;
  float rest[kWidth] = {};
  for (int64_t j = i; j < n; ++j) rest[j - i] = x[j];
  store(rest, mul(tanh(load(rest)), set1(cap)));
  for (int64_t j = i; j < n; ++j) x[j] = rest[j - i];
}

float row_max(const float* x, int64_t n) {
  Vec top = set1(kMasked);
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) top = max(top, load(x + i));
  float result = reduce_max(top);
  for (; i < n; ++i) result = x[i] > result ? x[i] : result;
  return result;
}

float exp_sum(float* x, int64_t n, float max) {
  Vec sum = zero();
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) {
    const Vec p = exp2_nonpositive(sub(load(x + i), set1(max)));
    store(x + i, p);
    sum = add(sum, p);
  }
  float result = reduce_add(sum);
  if (i == n) return result;
  float rest[kWidth] = {};
  for (int64_t j = i; j < n; ++j) rest[j - i] = x[j] - max;
  store(rest, exp2_nonpositive(load(rest)));
  for (int64_t j = i; j < n; ++j) result += x[j] = rest[j - i];
  return result;
}

void add_scaled(const float* x, int64_t n, float scale, float* columns, float* diagonals) {
  const Vec factor = set1(scale);
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) {
    const Vec p = mul(load(x + i), factor);
    store(columns + i, add(load(columns + i), p));
    store(diagonals + i, add(load(diagonals + i), p));
  }
  for (; i < n; ++i) {
    columns[i] += x[i] * scale;
    diagonals[i] += x[i] * scale;
  }
}

}  // namespace

// Packing of keys, values and queries, and conversion of rows. Include after vec_*.h.
#pragma once

#include "kernel_table.h"

namespace {

inline Vec load_elements(const void* row, int64_t element, bool half) {
  return half ? load_half(static_cast<const uint16_t*>(row) + element) : load(static_cast<const float*>(row) + element);
}

inline float load_element(const void* row, int64_t element, bool half) {
  return half ? half_element(static_cast<const uint16_t*>(row) + element) : static_cast<const float*>(row)[element];
}

void pack_keys(const void* const* rows, int64_t count, bool half, int64_t d, float* panel) {
  constexpr int64_t keys = minference::cpu::kPanelKeys;
  const int64_t whole = d / kWidth * kWidth;
  for (int64_t i = 0; i < whole; i += kWidth) {
    for (int64_t key = 0; key < keys; key += kWidth) {
      Vec block[kWidth];
#pragma GCC unroll 16
      for (int r = 0; r < kWidth; ++r) block[r] = key + r < count ? load_elements(rows[key + r], i, half) : zero();
      transpose(block);
#pragma GCC unroll 16
      for (int c = 0; c < kWidth; ++c) store(panel + (i + c) * keys + key, block[c]);
    }
  }
  for (int64_t i = whole; i < d; ++i) {
    for (int64_t key = 0; key < keys; ++key)
      panel[i * keys + key] = key < count ? load_element(rows[key], i, half) : 0.0f;
  }
}

void pack_values(const void* const* rows, int64_t count, bool half, int64_t d, int64_t d_pad, float* panel) {
  const int64_t whole = d / kWidth * kWidth;
  for (int64_t key = 0; key < minference::cpu::kPanelKeys; ++key) {
    float* to = panel + key * d_pad;
    for (int64_t i = 0; i < d_pad; i += kWidth) store(to + i, zero());
    if (key >= count) continue;
    for (int64_t i = 0; i < whole; i += kWidth) store(to + i, load_elements(rows[key], i, half));
    for (int64_t i = whole; i < d; ++i) to[i] = load_element(rows[key], i, half);
  }
}

void pack_queries(const void* const* rows, int64_t count, bool half, int64_t d, float scale, float* packed) {
  for (int64_t group = 0; group < count; group += kRows) {
    float* to = packed + group * d;
    for (int64_t r = 0; r < kRows; ++r) {
      for (int64_t i = 0; i < d; ++i) {
        to[i * kRows + r] = group + r < count ? load_element(rows[group + r], i, half) * scale : 0.0f;
      }
    }
  }
}

void to_float(const void* from, bool half, int64_t n, float* to) {
  const int64_t whole = n / kWidth * kWidth;
  for (int64_t i = 0; i < whole; i += kWidth) store(to + i, load_elements(from, i, half));
  for (int64_t i = whole; i < n; ++i) to[i] = load_element(from, i, half);
}

void from_float(const float* from, int64_t n, float scale, bool half, void* to) {
  const int64_t whole = n / kWidth * kWidth;
  for (int64_t i = 0; i < whole; i += kWidth) {
    const Vec x = mul(load(from + i), set1(scale));
    if (half) {
      store_half(static_cast<uint16_t*>(to) + i, x);
    } else {
      store(static_cast<float*>(to) + i, x);
    }
  }
  for (int64_t i = whole; i < n; ++i) {
    if (half) {
      static_cast<uint16_t*>(to)[i] = to_half_element(from[i] * scale);
    } else {
      static_cast<float*>(to)[i] = from[i] * scale;
    }
  }
}

}  // namespace

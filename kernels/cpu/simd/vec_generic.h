// 4 floats: the vector type of the kernels for any x86-64 processor (SSE2).
#pragma once

#include <emmintrin.h>

#include <cstdint>

#include "../half.h"

namespace {

using Vec = __m128;
constexpr int kWidth = 4;
constexpr int kRows = 4;  // 4 rows x 2 vectors; multiply and add are separate and need registers too

inline Vec load(const float* p) { return _mm_loadu_ps(p); }
inline void store(float* p, Vec x) { _mm_storeu_ps(p, x); }
inline Vec set1(float x) { return _mm_set1_ps(x); }
inline Vec zero() { return _mm_setzero_ps(); }
inline Vec add(Vec a, Vec b) { return _mm_add_ps(a, b); }
inline Vec sub(Vec a, Vec b) { return _mm_sub_ps(a, b); }
inline Vec mul(Vec a, Vec b) { return _mm_mul_ps(a, b); }
inline Vec div(Vec a, Vec b) { return _mm_div_ps(a, b); }
inline Vec fma(Vec a, Vec b, Vec c) { return _mm_add_ps(_mm_mul_ps(a, b), c); }
inline Vec max(Vec a, Vec b) { return _mm_max_ps(a, b); }
inline Vec min(Vec a, Vec b) { return _mm_min_ps(a, b); }
inline float reduce_max(Vec x) {
  x = _mm_max_ps(x, _mm_movehl_ps(x, x));
  return _mm_cvtss_f32(_mm_max_ss(x, _mm_shuffle_ps(x, x, 1)));
}
inline float reduce_add(Vec x) {
  x = _mm_add_ps(x, _mm_movehl_ps(x, x));
  return _mm_cvtss_f32(_mm_add_ss(x, _mm_shuffle_ps(x, x, 1)));
}

// Right for |x| < 2^22; larger ones only occur negative, where scale_by_power gives 0 anyway.
inline Vec round_nearest(Vec x) { return sub(add(x, set1(0x1.8p23f)), set1(0x1.8p23f)); }
// p · 2^t for an integral t; exactly 0 where x < -126 (so that masked keys weigh nothing). NaN stays NaN.
inline Vec scale_by_power(Vec p, Vec t, Vec x) {
  const __m128i power = _mm_slli_epi32(_mm_cvtps_epi32(t), 23);
  const Vec scaled = _mm_castsi128_ps(_mm_add_epi32(_mm_castps_si128(p), power));
  return _mm_and_ps(scaled, _mm_cmpnlt_ps(x, set1(-126.0f)));
}
// x where low < position <= high, else `masked`.
inline Vec keep_visible(Vec x, const int32_t* positions, int32_t low, int32_t high, float masked) {
  const __m128i p = _mm_loadu_si128(reinterpret_cast<const __m128i*>(positions));
  const __m128i seen =
      _mm_andnot_si128(_mm_cmpgt_epi32(p, _mm_set1_epi32(high)), _mm_cmpgt_epi32(p, _mm_set1_epi32(low)));
  const Vec mask = _mm_castsi128_ps(seen);
  return _mm_or_ps(_mm_and_ps(mask, x), _mm_andnot_ps(mask, set1(masked)));
}

inline float half_element(const uint16_t* p) { return minference::cpu::half_to_float(*p); }
inline uint16_t to_half_element(float x) { return minference::cpu::float_to_half(x); }
inline Vec load_half(const uint16_t* p) {
  return _mm_setr_ps(half_element(p), half_element(p + 1), half_element(p + 2), half_element(p + 3));
}
inline void store_half(uint16_t* p, Vec x) {
  float lanes[4];
  store(lanes, x);
  for (int i = 0; i < 4; ++i) p[i] = to_half_element(lanes[i]);
}

// r[i] lane j  <->  r[j] lane i.
inline void transpose(Vec (&r)[4]) { _MM_TRANSPOSE4_PS(r[0], r[1], r[2], r[3]); }

}  // namespace

// 16 floats: the vector type of the AVX-512 kernels.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace {

using Vec = __m512;
constexpr int kWidth = 16;
constexpr int kRows = 8;  // row group: 8 rows x 2 vectors of accumulators leave registers for operands

inline Vec load(const float* p) { return _mm512_loadu_ps(p); }
inline void store(float* p, Vec x) { _mm512_storeu_ps(p, x); }
inline Vec set1(float x) { return _mm512_set1_ps(x); }
inline Vec zero() { return _mm512_setzero_ps(); }
inline Vec fma(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
inline Vec add(Vec a, Vec b) { return _mm512_add_ps(a, b); }
inline Vec sub(Vec a, Vec b) { return _mm512_sub_ps(a, b); }
inline Vec mul(Vec a, Vec b) { return _mm512_mul_ps(a, b); }
inline Vec div(Vec a, Vec b) { return _mm512_div_ps(a, b); }
inline Vec max(Vec a, Vec b) { return _mm512_max_ps(a, b); }
inline Vec min(Vec a, Vec b) { return _mm512_min_ps(a, b); }
inline float reduce_max(Vec x) { return _mm512_reduce_max_ps(x); }
inline float reduce_add(Vec x) { return _mm512_reduce_add_ps(x); }

inline Vec round_nearest(Vec x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
// p · 2^t for an integral t; exactly 0 where x < -126 (so that masked keys weigh nothing). NaN stays NaN.
inline Vec scale_by_power(Vec p, Vec t, Vec x) {
  return _mm512_maskz_scalef_ps(_mm512_cmp_ps_mask(x, set1(-126.0f), _CMP_NLT_UQ), p, t);
}
// x where low < position <= high, else `masked`.
inline Vec keep_visible(Vec x, const int32_t* positions, int32_t low, int32_t high, float masked) {
  const __m512i p = _mm512_loadu_si512(positions);
  const __mmask16 seen = _mm512_cmp_epi32_mask(p, _mm512_set1_epi32(high), _MM_CMPINT_LE) &
                         _mm512_cmp_epi32_mask(p, _mm512_set1_epi32(low), _MM_CMPINT_NLE);
  return _mm512_mask_blend_ps(seen, set1(masked), x);
}

inline Vec load_half(const uint16_t* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
inline void store_half(uint16_t* p, Vec x) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
}
inline float half_element(const uint16_t* p) { return _cvtsh_ss(*p); }
inline uint16_t to_half_element(float x) { return static_cast<uint16_t>(_cvtss_sh(x, _MM_FROUND_TO_NEAREST_INT)); }

// r[i] lane j  <->  r[j] lane i.
inline void transpose(Vec (&r)[16]) {
  Vec a[16], b[16];
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) {
    a[2 * i] = _mm512_unpacklo_ps(r[2 * i], r[2 * i + 1]);
    a[2 * i + 1] = _mm512_unpackhi_ps(r[2 * i], r[2 * i + 1]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
#pragma GCC unroll 2
    for (int h = 0; h < 2; ++h) {
      const __m512d x = _mm512_castps_pd(a[4 * i + h]), y = _mm512_castps_pd(a[4 * i + 2 + h]);
      b[4 * i + 2 * h] = _mm512_castpd_ps(_mm512_unpacklo_pd(x, y));
      b[4 * i + 2 * h + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(x, y));
    }
  }
#pragma GCC unroll 4
  for (int c = 0; c < 4; ++c) {
    const Vec p = _mm512_shuffle_f32x4(b[c], b[4 + c], 0x88), q = _mm512_shuffle_f32x4(b[c], b[4 + c], 0xdd);
    const Vec s = _mm512_shuffle_f32x4(b[8 + c], b[12 + c], 0x88), t = _mm512_shuffle_f32x4(b[8 + c], b[12 + c], 0xdd);
    r[c] = _mm512_shuffle_f32x4(p, s, 0x88);
    r[8 + c] = _mm512_shuffle_f32x4(p, s, 0xdd);
    r[4 + c] = _mm512_shuffle_f32x4(q, t, 0x88);
    r[12 + c] = _mm512_shuffle_f32x4(q, t, 0xdd);
  }
}

}  // namespace

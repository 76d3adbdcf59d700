// Elementary functions over Vec. Include after one of the vec_*.h headers.
#pragma once

namespace {

// 2^x, relative error 1.9e-7; 0 for x < -126. Degree-5 minimax polynomial of 2^f on [-1/2, 1/2] with p(0) = 1.
inline Vec exp2_nonpositive(Vec x) {
  const Vec t = round_nearest(x);
  const Vec f = sub(x, t);
  Vec p = fma(set1(0x1.5bba14p-10f), f, set1(0x1.3cea88p-7f));
  p = fma(p, f, set1(0x1.c6b752p-5f));
  p = fma(p, f, set1(0x1.ebf9bcp-3f));
  p = fma(p, f, set1(0x1.62e42ap-1f));
  p = fma(p, f, set1(1.0f));
  return scale_by_power(p, t, x);
}

// tanh(x) = sign(x) · (1 - e) / (1 + e) with e = exp(-2|x|); near 0, where 1 - e cancels, its odd series.
inline Vec tanh(Vec x) {
  // Infinities become large numbers; the order of the operands keeps NaN.
  x = min(set1(1e30f), max(set1(-1e30f), x));
  const Vec magnitude = max(x, sub(zero(), x));
  const Vec e = exp2_nonpositive(mul(magnitude, set1(-2.885390081777927f)));
  const Vec far = div(sub(set1(1.0f), e), add(set1(1.0f), e));
  const Vec small = min(magnitude, set1(0.5f));
  const Vec square = mul(small, small);
  Vec series = fma(set1(0.021869488f), square, set1(-0.053968254f));
  series = fma(series, square, set1(0.13333333f));
  series = fma(series, square, set1(-0.33333333f));
  const Vec near = fma(mul(series, square), small, small);
  // near while |x| < 1/4, far from 1/2 on; in between both are accurate, so blending them needs no branch.
  const Vec weight = min(max(fma(magnitude, set1(4.0f), set1(-1.0f)), zero()), set1(1.0f));
  const Vec result = fma(weight, sub(far, near), near);
  return mul(result, div(x, max(magnitude, set1(1e-37f))));
}

}  // namespace

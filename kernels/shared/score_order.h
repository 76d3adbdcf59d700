// How estimates rank: by falling score, NaN behind all numbers.
#pragma once

#include <cstdint>
#include <cstring>

#include "host_device.h"

namespace minference {

// Before every score: what is chosen whatever its score is.
constexpr uint32_t kForcedKey = 0;
// Behind every score: no position at all.
constexpr uint32_t kPaddingKey = 0xffffffffu;

// A score as an integer that is the smaller, the better the score.
MINFERENCE_HOST_DEVICE inline uint32_t falling_key(float score) {
  if (score != score) return kPaddingKey - 1;
  uint32_t bits;
  memcpy(&bits, &score, sizeof(bits));
  return bits & 0x80000000u ? bits : ~(bits | 0x80000000u);
}

}  // namespace minference

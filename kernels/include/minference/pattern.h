// The sparse patterns of one attention head, shared by every device. Mirrors src/patterns/head-pattern.ts.
#pragma once

#include <cstdint>

namespace minference {

enum class PatternKind : int32_t { kDense = 0, kAShape = 1, kVerticalSlash = 2, kBlockSparse = 3, kExplicit = 4 };

// Kinds of other methods, for comparison: SparseAttention and SparseIndex build their indices on the host (rivals/), so
// that the kernels see explicit heads.
enum class RivalKind : int32_t { kTopK = 5, kFlexPrefill = 6, kXAttention = 7, kFlashPrefill = 8, kInfLlm = 9 };
constexpr RivalKind kLastRival = RivalKind::kInfLlm;

// Bits of HeadPattern::flags.
constexpr int32_t kNoFallback = 1;  // compute the pattern even where dense would be as cheap
constexpr int32_t kFitA = 2;        // probe only: adjust `a` in steps of kFitStep until the cost meets the budget
constexpr int32_t kFitB = 4;        // probe only: the same for `b`
constexpr int32_t kGiveIndex = 8;   // of any head: the outputs for indices are filled
// The bits from here on, with kGiveIndex: capacity of SnapKV (rivals/kept_kv.h), whose choice for rows behind the call
// is given in place of the call's indices; 0: the indices. What the call computes is the same.
constexpr int32_t kKeptShift = 4;
constexpr int32_t kKeptBits = 0x7fffffff >> kKeptShift << kKeptShift;

// One row of the op inputs `head_patterns` [num_heads, 4] and `candidates` [num_candidates, 4], the same for every
// head, or [num_heads, num_candidates, 4].
//   dense            -                 -
//   a_shape          a = sink          b = window      key j < sink, or i - j < window
//   vertical_slash   a = columns       b = diagonals   chosen from the last kLastQ query rows of the call
//   block_sparse     a = key blocks    -               per query block of kPatternBlock rows
//   explicit         a = which         -               of AttentionParams::indices; not a candidate, nor the following:
//   top_k            a = keys          -               per block of kPatternBlock rows, by exact probabilities
//   flexprefill      a = γ             b = tokens      γ in millionths; least budget
//   xattention       a = threshold     b = stride      threshold in millionths
//   flashprefill     a = α             -               in millionths
//   infllm           a = blocks        b = window      retrieved blocks of 128 keys; local window in tokens
// Covering patterns (a_shape and vertical_slash: a or b >= context; block_sparse: a >= the context's key blocks) are
// dense. Estimates rank by the probabilities of the attention itself, soft-cap, window and sink included; ties go to
// the lower position. block_sparse always keeps the key blocks that hold a query block's own positions, within `a` if
// it is large enough.
//
// Fitting tries the sizes x = initial + k·kFitStep >= 0 (k any integer; blocks: every k >= 1) up to the first that
// covers the context, and keeps the largest whose cost is within the budget, or the smallest if none is. With both
// flags the larger of `a` and `b` moves and the other follows in proportion, rounded to the nearest.
struct HeadPattern {
  int32_t kind;
  int32_t a;
  int32_t b;
  int32_t flags;
};
static_assert(sizeof(HeadPattern) == 16);

constexpr int32_t kLastQ = 64;           // query rows that estimate vertical-slash (paper, Algorithm 2)
constexpr int32_t kPatternBlock = 64;    // query and key block of the patterns (paper, Algorithms 3 and 4)
constexpr int32_t kForcedColumns = 30;   // first columns always among the chosen ones
constexpr int32_t kForcedSlashes = 100;  // nearest diagonals always among the chosen ones
constexpr int32_t kFitStep = 50;         // step of ChangeSpace (paper, Algorithm 1)

// Fields of one row of AttentionProbe's `scores` output, float32 [num_heads, num_candidates, kScoreFields].
enum ScoreField : int32_t {
  kErrorAll = 0,      // |O_sparse - O_dense|_F / |O_dense|_F over all rows of the call
  kErrorLast = 1,     // the same over the last kLastQ rows
  kMassRecall = 2,    // mean over rows of exp(lse_sparse - lse_dense)
  kTiles = 3,         // tiles the kernel computes, in units of block_m x block_n
  kFlops = 4,         // 4 * block_m * block_n * head_dim * tiles + the cost of building the index
  kMicroseconds = 5,  // index + attention of this head alone
  kFittedA = 6,       // `a` and `b` after fitting (as given when no fit flag is set)
  kFittedB = 7,
  kScoreFields = 8,
};

}  // namespace minference

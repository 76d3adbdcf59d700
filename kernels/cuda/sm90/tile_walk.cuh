// The keys of an item as tiles of kGranules granules. A tile holds granules of one class: keys that the first row block
// computes, the second, or both; so each consumer multiplies only what its own rows want, and nothing is loaded twice.
#pragma once

#include "intervals.cuh"

namespace minference::cuda::sm90 {

// A tile as a warp holds it: each lane four keys, a granule eight lanes.
struct Tile {
  int4 keys;
  uint32_t wanted;    // which of them the first row block computes, as bits, and << kLaneKeys, the second
  int32_t begin;      // of the granule: its first key or its row among the gathered columns; kNothing
  uint32_t for_whom;  // which row blocks
  uint32_t columns;   // bit g: granule g is of columns
};
constexpr int kLaneKeys = kKeys / 32;
constexpr uint32_t kLaneBits = (1u << kLaneKeys) - 1;
constexpr int32_t kNothing = -kGranule;  // no keys at all: TMA takes zeros from before a tensor

// for (TileWalk walk(…); walk.next();) use(walk.tile): every warp of the producer walks over all tiles, and takes every
// fourth. The walk goes through the context by windows: a bit map of each row block's granules, from it a list of the
// granules of each class, then the columns that no bit covers. Those come in granules of the head's list, whatever the
// row blocks want of them; one that reaches beyond the window stays until the next ones have told of all its columns.
// What fills no tile stays for later: granules of ranges for the next window, of columns for the next ones, and at the
// end both share a tile.
class TileWalk {
 public:
  // `mine`: the item's first tile that this warp takes.
  __device__ TileWalk(const DevicePlan& plan, const RowBlock& first, const RowBlock& second, int64_t first_index,
                      int32_t mine, WalkSpace& space)
      : columns_(plan.columns),
        first_(plan, first, first_index),
        second_(plan, second, first_index + 1),
        space_(space),
        column_row_(static_cast<int32_t>(plan.column_row)),
        num_columns_(plan.num_columns),
        mine_(mine) {
    column_ = read_column(0);
    column_ahead_ = read_column(kGranule);
  }

  Tile tile;
  bool is_last = false;  // of the item
  int32_t number = 0;    // within the item

  // The warp's next tile. It is known only with the one after it whether it is the last.
  __device__ __forceinline__ bool next() {
    for (;;) {
      if (!has_tile_ && mine_ < known_) {
        make_tile(mine_ - batch_begin_);
        has_tile_ = true;
      }
      if (has_tile_ && (mine_ + 1 < known_ || stage_ == Stage::kDone)) {
        is_last = mine_ + 1 == known_;
        number = mine_;
        has_tile_ = false;
        mine_ += kProducerWarps;
        return true;
      }
      if (stage_ == Stage::kDone) return false;
      next_batch();
    }
  }

  __device__ bool has_tiles() const { return known_ > 0; }
  // Of the item, once it is at its end.
  __device__ int32_t num_tiles() const { return known_; }

  // Positions of the first and the last row that `whom` names.
  __device__ int32_t first_row_of(uint32_t whom) const { return whom & 1 ? first_.first_row() : second_.first_row(); }
  __device__ int32_t last_row_of(uint32_t whom) const { return whom & 2 ? second_.last_row() : first_.last_row(); }

 private:
  __device__ static int lane() { return static_cast<int>(threadIdx.x % 32); }

  // What the known tiles are taken from: the window's ranges, a tile of columns, what is left of a class.
  enum class Stage { kRanges, kColumns, kRest, kDone };

  struct Class {
    // Granules: from before the window, with the window's, and where the list has the latter.
    int32_t carried = 0, total = 0, listed = 0;
    int32_t columns = 0;  // granules of them that wait
  };

  __device__ __forceinline__ void announce(Stage stage, int32_t tiles) {
    stage_ = stage;
    batch_begin_ = known_;
    known_ += tiles;
  }

  __device__ __forceinline__ void next_batch() {
    if (stage_ == Stage::kRest) return whom_ == kClasses ? announce(Stage::kDone, 0) : announce_rest(whom_ + 1);
    if (stage_ == Stage::kColumns) drop_columns();
    for (;;) {
      for (uint32_t whom = 1; whom <= kClasses; ++whom) {
        if (class_of(whom).columns < kGranules) continue;
        whom_ = whom;
        return announce(Stage::kColumns, 1);
      }
      if (collect()) continue;
      if (window_ == kNoKey) return announce_rest(1);
      if (move_window()) return announce(Stage::kRanges, tiles_of(1) + tiles_of(2) + tiles_of(3));
    }
  }

  __device__ __forceinline__ void announce_rest(uint32_t whom) {
    const Class c = class_of(whom);
    whom_ = whom;
    announce(Stage::kRest, (c.carried + c.columns + kGranules - 1) / kGranules);
  }

  // Tile j of the batch.
  __device__ __forceinline__ void make_tile(int32_t j) {
    uint32_t whom = whom_;
    if (stage_ == Stage::kRanges) {
      // The tiles of one row block take turns with those of the other, once there are as many left: both are to have
      // work. At the end those of both.
      const int32_t firsts = tiles_of(1), seconds = tiles_of(2), pairs = min(firsts, seconds);
      const int32_t more = max(firsts, seconds) - pairs;
      if (j < more) {
        whom = firsts > seconds ? 1 : 2;
      } else if (j < more + 2 * pairs) {
        whom = 1 + (j - more) % 2;
        j = (j - more) / 2 + ((whom == 1) == (firsts > seconds) ? more : 0);
      } else {
        whom = kForBoth;
        j -= more + 2 * pairs;
      }
    }
    const Class c = class_of(whom);
    // Granules of ranges come first, then those of columns.
    const int32_t ranges = stage_ == Stage::kRanges ? c.total : stage_ == Stage::kColumns ? 0 : c.carried;
    const int32_t place = kGranules * j + lane() / 8, at = kLaneKeys * (lane() % 8);
    tile.for_whom = whom;
    tile.wanted = 0;
    tile.begin = kNothing;
    if (place < ranges) {
      tile.begin = granule_of(c, whom, place) * kGranule;
      tile.wanted = kLaneBits | kLaneBits << kLaneKeys;
    }
    const int32_t key = tile.begin + at;
    tile.keys = make_int4(key, key + 1, key + 2, key + 3);
    if (place >= ranges && place < ranges + c.columns) {
      const ColumnGranule& granule = space_.columns[whom - 1][place - ranges];
      tile.keys = *reinterpret_cast<const int4*>(granule.keys + at);
      tile.wanted = (granule.wanted[0] >> at & kLaneBits) | (granule.wanted[1] >> at & kLaneBits) << kLaneKeys;
      tile.begin = granule.row;
    }
    const auto up_to = [&](int32_t end) { return 1u << min(max(end - kGranules * j, 0), kGranules); };
    tile.columns = up_to(ranges + c.columns) - up_to(ranges);
  }

  __device__ __forceinline__ int32_t granule_of(const Class& c, uint32_t whom, int32_t place) const {
    return place < c.carried ? space_.carried[whom - 1][place] : window_ + space_.listed[c.listed + place - c.carried];
  }

  // The next window and its lists; false: there are no more granules.
  __device__ __forceinline__ bool move_window() {
    for_each_class([&](Class& c, uint32_t whom) {
      const int32_t rest = c.total % kGranules;
      const int32_t granule = lane() < rest ? granule_of(c, whom, c.total - rest + lane()) : 0;
      __syncwarp();
      if (lane() < rest) space_.carried[whom - 1][lane()] = granule;
      c.carried = c.total = rest;
    });
    window_ = min(first_.next_after(window_ + kWindow), second_.next_after(window_ + kWindow));
    if (window_ == kNoKey) {
      __syncwarp();
      return false;
    }
    first_.mark(window_, space_.wanted[0]);
    second_.mark(window_, space_.wanted[1]);
    list_granules();
    return true;
  }

  __device__ __forceinline__ void list_granules() {
    uint32_t first[kLaneWords], second[kLaneWords];
    uint32_t counts = 0, count_of_both = 0;
#pragma unroll
    for (int i = 0; i < kLaneWords; ++i) {
      first[i] = space_.wanted[0][kLaneWords * lane() + i];
      second[i] = space_.wanted[1][kLaneWords * lane() + i];
      counts += __popc(first[i] & ~second[i]) | __popc(second[i] & ~first[i]) << 16;
      count_of_both += __popc(first[i] & second[i]);
    }
    uint32_t up_to = counts, both_up_to = count_of_both;
#pragma unroll
    for (int lanes = 1; lanes < 32; lanes *= 2) {
      const uint32_t below = __shfl_up_sync(0xffffffffu, up_to, lanes);
      const uint32_t both_below = __shfl_up_sync(0xffffffffu, both_up_to, lanes);
      up_to += lane() >= lanes ? below : 0;
      both_up_to += lane() >= lanes ? both_below : 0;
    }
    const uint32_t all = __shfl_sync(0xffffffffu, up_to, 31), all_of_both = __shfl_sync(0xffffffffu, both_up_to, 31);
    int32_t listed = 0;
    for_each_class([&](Class& c, uint32_t whom) {
      const auto count = static_cast<int32_t>(whom == 1 ? all & 0xffff : whom == 2 ? all >> 16 : all_of_both);
      const uint32_t before = up_to - counts;
      int32_t at = listed + static_cast<int32_t>(whom == 1   ? before & 0xffff
                                                 : whom == 2 ? before >> 16
                                                             : both_up_to - count_of_both);
#pragma unroll
      for (int i = 0; i < kLaneWords; ++i) {
        uint32_t bits = (whom & 1 ? first[i] : ~first[i]) & (whom & 2 ? second[i] : ~second[i]);
        for (; bits != 0; bits &= bits - 1, ++at) {
          const int bit = __ffs(static_cast<int>(bits)) - 1;
          space_.listed[at] = static_cast<uint16_t>(32 * (kLaneWords * lane() + i) + bit);
        }
      }
      c.listed = listed;
      c.total = c.carried + count;
      listed += count;
    });
    __syncwarp();
  }

  // Looks at the columns of the list's next granule that lie before the window's end, and if that is all of them keeps
  // the granule; no class has a whole tile yet. Returns whether it was done with the granule.
  __device__ __forceinline__ bool collect() {
    if (column_at_ >= num_columns_) return false;
    const int32_t granule = column_ / kGranule;
    // Nobody sees what lies beyond the rows, nor lanes without a column.
    const bool beyond = column_ > max(first_.last_row(), second_.last_row());
    const bool here = beyond || window_ == kNoKey || granule < window_ + kWindow;
    // A column is looked at once, in its own window: the bit maps of later ones say nothing of it.
    const uint32_t known_before = known_columns_;
    const bool asks = here && (known_before >> lane() & 1) == 0;
    known_columns_ = __ballot_sync(0xffffffffu, here);
    uint32_t wanted[kHalves] = {__ballot_sync(0xffffffffu, asks && wants_column(first_, granule, space_.wanted[0])),
                                __ballot_sync(0xffffffffu, asks && wants_column(second_, granule, space_.wanted[1]))};
    if (known_before != 0) {
      wanted[0] |= space_.wanted_before[0];
      wanted[1] |= space_.wanted_before[1];
      __syncwarp();
    }
    if (known_columns_ != 0xffffffffu) {
      if (lane() < kHalves) space_.wanted_before[lane()] = lane() == 0 ? wanted[0] : wanted[1];
      __syncwarp();
      return false;
    }
    keep_columns(wanted);
    // Columns ascend: none is seen after the first that lies beyond the rows.
    column_at_ = __any_sync(0xffffffffu, beyond) ? num_columns_ : column_at_ + kGranule;
    column_ = column_ahead_;
    column_ahead_ = read_column(column_at_ + kGranule);
    known_columns_ = 0;
    return true;
  }

  // The granule that is looked at waits in its class from now on.
  __device__ __forceinline__ void keep_columns(const uint32_t (&wanted)[kHalves]) {
    const uint32_t wanted_by = (wanted[0] != 0 ? 1u : 0u) | (wanted[1] != 0 ? 2u : 0u);
    if (wanted_by == 0) return;
    ColumnGranule& granule = space_.columns[wanted_by - 1][class_of(wanted_by).columns];
    granule.keys[lane()] = column_;
    if (lane() < kHalves) granule.wanted[lane()] = lane() == 0 ? wanted[0] : wanted[1];
    if (lane() == 0) granule.row = column_row_ + column_at_;
    for_each_class([&](Class& c, uint32_t whom) { c.columns += whom == wanted_by ? 1 : 0; });
    __syncwarp();
  }

  // The lane's column of the granule that begins at `begin` of the list.
  __device__ __forceinline__ int32_t read_column(int32_t begin) const {
    const int32_t i = begin + lane();
    return i < num_columns_ ? columns_[i] : kNoKey;
  }

  __device__ __forceinline__ bool wants_column(const Intervals& block, int32_t granule, const uint32_t* wanted) const {
    if (!block.sees(column_)) return false;
    const int32_t at = granule - window_;
    return at < 0 || (wanted[at / 32] >> at % 32 & 1) == 0;
  }

  // The tile of columns is made.
  __device__ __forceinline__ void drop_columns() {
    for_each_class([&](Class& c, uint32_t whom) { c.columns -= whom == whom_ ? kGranules : 0; });
    __syncwarp();
  }

  template <typename Use>
  __device__ __forceinline__ void for_each_class(Use&& use) {
#pragma unroll
    for (uint32_t whom = 1; whom <= kClasses; ++whom) use(classes_[whom - 1], whom);
  }
  __device__ __forceinline__ Class class_of(uint32_t whom) const {
    return whom == 1 ? classes_[0] : whom == 2 ? classes_[1] : classes_[2];
  }
  __device__ __forceinline__ int32_t tiles_of(uint32_t whom) const { return class_of(whom).total / kGranules; }

  const int32_t* columns_;
  Intervals first_, second_;
  WalkSpace& space_;
  Stage stage_ = Stage::kRanges;
  uint32_t whom_ = 0;          // whose columns or rest
  int32_t window_ = -kWindow;  // its first granule; kNoKey behind the last one
  int32_t column_row_;         // DevicePlan's
  int32_t num_columns_;
  int32_t column_at_ = 0;                // the granule of columns that is looked at: its first one's place in the list
  int32_t column_, column_ahead_;        // the lane's, of this granule and of the next
  uint32_t known_columns_ = 0;           // of this granule, as bits: those that have been looked at
  int32_t batch_begin_ = 0, known_ = 0;  // tiles of the item
  int32_t mine_;                         // the next that this warp takes
  bool has_tile_ = false;                // it is made
  Class classes_[kClasses];
};

}  // namespace minference::cuda::sm90

// Neighbour lists as a row at a time reads them: all of an item in lines of its own, one behind the other.
#ifndef COUPONCAST_RECOMMEND_PACKED_LISTS_H_
#define COUPONCAST_RECOMMEND_PACKED_LISTS_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "couponcast/recommend.h"

namespace couponcast {

// A copy of lists of at most k neighbours. Index is wide enough for all items.
template <typename Index>
class PackedLists {
 public:
  struct List {
    std::span<const Index> indices;
    std::span<const float> scores;
  };

  // The lists must have the shape and the indices of NeighbourLists.
  explicit PackedLists(const NeighbourLists& lists)
      : k_(static_cast<size_t>(lists.k)), stride_((Bytes(k_) + sizeof(Line) - 1) / sizeof(Line)) {
    lines_.resize(static_cast<size_t>(lists.rows) * stride_);
    for (size_t item = 0; item < static_cast<size_t>(lists.rows); ++item) {
      std::byte* const to = lines_[item * stride_].data();
      const auto count = static_cast<size_t>(lists.counts[item]);
      std::memcpy(to, &lists.counts[item], sizeof(int32_t));
      std::memcpy(to + sizeof(int32_t), &lists.scores[item * k_], count * sizeof(float));
      for (size_t j = 0; j < count; ++j) {
        const auto index = static_cast<Index>(lists.indices[item * k_ + j]);
        std::memcpy(to + IndicesAt() + j * sizeof(Index), &index, sizeof(Index));
      }
    }
  }

  List Of(int32_t item) const {
    const std::byte* const from = lines_[static_cast<size_t>(item) * stride_].data();
    const auto count = static_cast<size_t>(*reinterpret_cast<const int32_t*>(from));
    return {{reinterpret_cast<const Index*>(from + IndicesAt()), count}, {reinterpret_cast<const float*>(from + sizeof(int32_t)), count}};
  }

  // Fetches all lines of a short list, of a long one the first, behind which the processor sees for itself where reading goes.
  void Prefetch(int32_t item) const {
    const Line* const first = &lines_[static_cast<size_t>(item) * stride_];
    for (const Line* line = first; line < first + std::min(stride_, kMostLines); ++line) __builtin_prefetch(line);
  }

 private:
  struct alignas(64) Line : std::array<std::byte, 64> {};

  static constexpr size_t kMostLines = 8;

  size_t IndicesAt() const { return sizeof(int32_t) + k_ * sizeof(float); }
  static size_t Bytes(size_t k) { return sizeof(int32_t) + k * (sizeof(float) + sizeof(Index)); }

  size_t k_;
  size_t stride_;            // lines an item
  std::vector<Line> lines_;  // count, scores [k], indices [k] of each item
};

}  // namespace couponcast

#endif  // COUPONCAST_RECOMMEND_PACKED_LISTS_H_

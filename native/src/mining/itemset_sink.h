// Where the algorithms put the sets that they find.
#ifndef COUPONCAST_MINING_ITEMSET_SINK_H_
#define COUPONCAST_MINING_ITEMSET_SINK_H_

#include <atomic>
#include <string>

#include "couponcast/itemsets.h"

namespace couponcast {

class ItemsetSink {
 public:
  // With 2^32 - 1 subsets or more, a longer set is beyond every limit.
  static constexpr int kMaxLength = 31;

  ItemsetSink(const MiningOptions& options, std::span<const int32_t> item_of_rank, CancelFlag cancel, int64_t* shared_count,
              ItemsetList* out)
      : options_(options),
        item_of_rank_(item_of_rank),
        cancel_(cancel),
        shared_count_(shared_count),
        out_(out),
        size_(out->items.size()),
        flushed_(size_),
        end_(size_) {}

  int64_t min_count() const { return options_.min_count; }
  // Whether sets of more items than `length` are wanted.
  bool GoesBeyond(int length) const { return options_.max_length == 0 || length < options_.max_length; }

  // Adds the set that ends with `rank`. False when the search must end; status() says why.
  bool Add(int length, int32_t rank, int64_t support) {
    if (length > kMaxLength) return Refuse();
    if (size_ == end_ && !MakeRoom()) return false;
    out_->items[size_] = item_of_rank_[static_cast<size_t>(rank)];
    out_->lengths[size_] = static_cast<uint8_t>(length);
    out_->supports[size_] = static_cast<int32_t>(support);
    ++size_;
    return true;
  }

  // Whether so many sets, known but not yet added, may be added to what all calls have found; false as Add.
  bool Fits(int64_t count) {
    const int64_t found = std::atomic_ref(*shared_count_).load(std::memory_order_relaxed) + static_cast<int64_t>(size_ - flushed_);
    return found + count <= options_.max_itemsets || Refuse();
  }

  // Work that finds no set: `steps` in some nanoseconds each.
  bool Worked(int64_t steps) {
    unpolled_ += steps;
    if (unpolled_ < kStepsPerPoll) return status_.ok();
    unpolled_ = 0;
    if (cancel_.IsSet()) status_ = Cancelled();
    return status_.ok();
  }

  int64_t num_sets() const { return static_cast<int64_t>(size_); }

  // To be called at the end of a search.
  Status Finish() {
    Flush();
    Resize(size_);
    return status_;
  }

  Status status() const { return status_; }

 private:
  // Tells the other calls how many sets there are; true as long as the search may go on.
  bool Flush() {
    const auto added = static_cast<int64_t>(size_ - flushed_);
    flushed_ = size_;
    const int64_t count = std::atomic_ref(*shared_count_).fetch_add(added, std::memory_order_relaxed) + added;
    if (count > options_.max_itemsets) return Refuse();
    if (cancel_.IsSet()) status_ = Cancelled();
    return status_.ok();
  }

  bool MakeRoom() {
    if (!Flush()) return false;
    end_ = size_ + kSetsPerFlush;
    Resize(end_);
    return true;
  }

  void Resize(size_t size) {
    out_->items.resize(size);
    out_->lengths.resize(size);
    out_->supports.resize(size);
  }

  static constexpr size_t kSetsPerFlush = 4096;
  static constexpr int64_t kStepsPerPoll = 1 << 20;

  bool Refuse() {
    status_ = OutOfRange("expected at most " + std::to_string(options_.max_itemsets) +
                         " itemsets but found more with a support of at least " + std::to_string(options_.min_count) + " baskets");
    return false;
  }

  const MiningOptions& options_;
  std::span<const int32_t> item_of_rank_;
  CancelFlag cancel_;
  int64_t* shared_count_;
  ItemsetList* out_;
  size_t size_;     // sets so far
  size_t flushed_;  // of those the other calls know about
  size_t end_;      // there is room for as many
  int64_t unpolled_ = 0;
  Status status_;
};

}  // namespace couponcast

#endif  // COUPONCAST_MINING_ITEMSET_SINK_H_

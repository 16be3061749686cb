#include "couponcast/id_index.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

namespace couponcast {
namespace {

uint64_t HashOf(std::string_view id) { return XXH3_64bits(id.data(), id.size()); }

uint32_t TagOf(uint64_t hash) { return static_cast<uint32_t>(hash >> 32U); }

// Cuts a text into ids whose lengths are known in UTF-16 code units.
class IdCutter {
 public:
  IdCutter(std::string_view text, std::span<const int32_t> lengths)
      : text_(text), is_ascii_(std::cmp_equal(std::accumulate(lengths.begin(), lengths.end(), int64_t{0}), text.size())) {}

  // None where the halves of a character belong to two ids, which the text of neither has.
  std::optional<std::string_view> Next(int32_t length) {
    const size_t begin = at_;
    if (is_ascii_) {
      at_ += static_cast<size_t>(length);
      return text_.substr(begin, at_ - begin);
    }
    const bool begins_in_character = units_ < 0;
    for (units_ += length; units_ > 0 && at_ < text_.size();) Skip();
    if (begins_in_character || units_ != 0) return std::nullopt;
    return text_.substr(begin, at_ - begin);
  }

 private:
  // A character of four bytes is two units; the others are one.
  void Skip() {
    const auto ones = static_cast<size_t>(std::countl_one(static_cast<uint8_t>(text_[at_])));
    at_ = std::min(at_ + std::max<size_t>(ones, 1), text_.size());
    units_ -= ones == 4 ? 2 : 1;
  }

  std::string_view text_;
  bool is_ascii_;
  size_t at_ = 0;
  int64_t units_ = 0;  // of the id that are left; below 0: of the next one's that are behind
};

template <typename Word>
bool SameWord(const char* a, const char* b) {
  Word first{};
  Word second{};
  std::memcpy(&first, a, sizeof(Word));
  std::memcpy(&second, b, sizeof(Word));
  return first == second;
}

// In words, of which the last overlaps the one before: ids are short, and a call of memcmp takes longer.
template <typename Word>
bool SameWords(std::string_view a, std::string_view b) {
  const size_t last = a.size() - sizeof(Word);
  for (size_t at = 0; at < last; at += sizeof(Word)) {
    if (!SameWord<Word>(a.data() + at, b.data() + at)) return false;
  }
  return SameWord<Word>(a.data() + last, b.data() + last);
}

bool SameBytes(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  if (a.size() >= sizeof(uint64_t)) return SameWords<uint64_t>(a, b);
  if (a.size() >= sizeof(uint32_t)) return SameWords<uint32_t>(a, b);
  return a == b;
}

constexpr size_t kHeaderWords = 2;

}  // namespace

Result<IdIndex> IdIndex::Create(const IdView& ids) {
  const auto size = static_cast<size_t>(ids.size());
  IdIndex index;
  index.slots_.assign(std::bit_ceil(2 * size + 1), Slot{0, 0});
  for (size_t i = 0; i < size; ++i) {
    const std::string_view id = ids.At(static_cast<int64_t>(i));
    const size_t record = index.words_.size();
    if (record > std::numeric_limits<uint32_t>::max()) return InvalidArgument("the ids need more than 16 GiB");
    index.words_.resize(record + kHeaderWords + (id.size() + sizeof(uint32_t) - 1) / sizeof(uint32_t));
    index.words_[record] = static_cast<uint32_t>(i);
    index.words_[record + 1] = static_cast<uint32_t>(id.size());
    std::ranges::copy(id, reinterpret_cast<char*>(index.words_.data() + record + kHeaderWords));
    const uint64_t hash = HashOf(id);
    size_t slot = hash & index.Mask();
    while (index.slots_[slot].record != 0) slot = (slot + 1) & index.Mask();
    index.slots_[slot] = {TagOf(hash), static_cast<uint32_t>(record)};
  }
  return index;
}

// The next slot from `slot` on that is free or has the tag.
size_t IdIndex::SlotOf(size_t slot, uint32_t tag) const {
  while (slots_[slot].record != 0 && slots_[slot].tag != tag) slot = (slot + 1) & Mask();
  return slot;
}

// Where there is another id with the same tag, the search goes on behind it.
int32_t IdIndex::PositionOf(std::string_view id, size_t slot, uint32_t tag) const {
  for (; slots_[slot].record != 0; slot = SlotOf((slot + 1) & Mask(), tag)) {
    const uint32_t* record = words_.data() + slots_[slot].record;
    const std::string_view own(reinterpret_cast<const char*>(record + kHeaderWords), record[1]);
    if (SameBytes(own, id)) return static_cast<int32_t>(record[0]);
  }
  return -1;
}

size_t IdIndex::Find(std::string_view text, std::span<int32_t> places, std::span<float> values) const {
  constexpr size_t kAhead = 16;
  struct Wanted {
    std::optional<std::string_view> id;
    size_t slot = 0;
    uint32_t tag = 0;
  };
  std::array<Wanted, kAhead> batch;
  IdCutter cutter(text, places);
  size_t found = 0;
  for (size_t begin = 0; begin < places.size(); begin += kAhead) {
    const std::span<Wanted> ids = std::span(batch).first(std::min(kAhead, places.size() - begin));
    for (size_t i = 0; i < ids.size(); ++i) {
      ids[i].id = cutter.Next(places[begin + i]);
      const uint64_t hash = HashOf(ids[i].id.value_or(""));
      ids[i].slot = hash & Mask();
      ids[i].tag = TagOf(hash);
      __builtin_prefetch(&slots_[ids[i].slot]);
    }
    for (Wanted& wanted : ids) {
      wanted.slot = SlotOf(wanted.slot, wanted.tag);
      __builtin_prefetch(words_.data() + slots_[wanted.slot].record);
    }
    for (size_t i = 0; i < ids.size(); ++i) {
      const int32_t position = ids[i].id.has_value() ? PositionOf(*ids[i].id, ids[i].slot, ids[i].tag) : -1;
      if (position < 0) continue;
      places[found] = position;
      if (!values.empty()) values[found] = values[begin + i];
      ++found;
    }
  }
  return found;
}

}  // namespace couponcast

// Ids by a hash table, for where a binary search would take longer than the work.
#ifndef COUPONCAST_ID_INDEX_H_
#define COUPONCAST_ID_INDEX_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "couponcast/matrix.h"
#include "couponcast/status.h"

namespace couponcast {

class IdIndex {
 public:
  // Of no ids.
  IdIndex() = default;
  // A copy: 24 to 40 bytes an id, and its own. Errors: kInvalidArgument (more than 16 GiB).
  static Result<IdIndex> Create(const IdView& ids);

  // Of many ids at once those that there are, in their order, and their values. Returns how many.
  //   text    UTF-8 of all ids, one behind the other
  //   places  in: length of each id in UTF-16 code units, as JavaScript counts; out: positions of those that there are
  //   values  [places] in and out, or none
  // Cost: a hash and about one probe an id; table and ids are fetched ahead.
  size_t Find(std::string_view text, std::span<int32_t> places, std::span<float> values) const;

 private:
  struct Slot {
    uint32_t tag;     // bits of the hash that do not choose the slot
    uint32_t record;  // 0: free
  };

  size_t Mask() const { return slots_.size() - 1; }
  size_t SlotOf(size_t slot, uint32_t tag) const;
  int32_t PositionOf(std::string_view id, size_t slot, uint32_t tag) const;

  std::vector<Slot> slots_{{0, 0}};  // a power of two, at least half of them free
  std::vector<uint32_t> words_{0};   // records: position, bytes of the id, and these; so that a look-up touches two places
};

}  // namespace couponcast

#endif  // COUPONCAST_ID_INDEX_H_

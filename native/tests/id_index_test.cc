#include "couponcast/id_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/matrix_file_for_test.h"

namespace couponcast {
namespace {

using testing::Ids;
using testing::Random;

// Ids as a matrix holds them.
class OwnedIds {
 public:
  explicit OwnedIds(std::vector<std::string> ids) {
    std::ranges::sort(ids);
    for (const std::string& id : ids) {
      bytes_ += id;
      offsets_.push_back(static_cast<int64_t>(bytes_.size()));
    }
  }
  IdView view() const { return {offsets_, {reinterpret_cast<const uint8_t*>(bytes_.data()), bytes_.size()}}; }

 private:
  std::vector<int64_t> offsets_ = {0};
  std::string bytes_;
};

// Length in UTF-16 code units of well-formed UTF-8.
int32_t Units(const std::string& text) {
  int32_t units = 0;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    units += (byte & 0xC0U) == 0x80U ? 0 : byte >= 0xF0U ? 2 : 1;
  }
  return units;
}

struct Row {
  std::vector<int32_t> places;
  std::vector<float> values;
  bool operator==(const Row&) const = default;
};

Row Found(const IdIndex& index, const std::vector<std::string>& row) {
  std::string text;
  Row found;
  for (size_t i = 0; i < row.size(); ++i) {
    text += row[i];
    found.places.push_back(Units(row[i]));
    found.values.push_back(static_cast<float>(i));
  }
  std::vector<int32_t> without = found.places;
  const size_t count = index.Find(text, found.places, found.values);
  EXPECT_EQ(index.Find(text, without, {}), count);
  found.places.resize(count);
  found.values.resize(count);
  without.resize(count);
  EXPECT_EQ(found.places, without);
  return found;
}

TEST(IdIndex, FindsWhatABinarySearchFinds) {
  Random random(5);
  const std::vector<std::string> alphabet = {"a", "b", "é", "字", "😀", ""};
  for (const int64_t size : {0, 1, 2, 17, 300, 5000}) {
    std::vector<std::string> ids = Ids("i", size);
    for (const std::string& one : alphabet) {
      for (const std::string& other : alphabet) ids.push_back(one + other + one);
    }
    for (size_t length = 0; length <= 40; ++length) ids.emplace_back(length, 'z');
    std::ranges::sort(ids);
    const auto [first, last] = std::ranges::unique(ids);
    ids.erase(first, last);
    const OwnedIds owned(ids);
    const auto index = IdIndex::Create(owned.view());
    ASSERT_OK(index.status());
    for (const int64_t length : {0, 1, 15, 16, 17, 200}) {
      for (const bool ascii : {false, true}) {
        std::vector<std::string> row;
        Row expected;
        for (int64_t i = 0; i < length; ++i) {
          std::string id = ids[static_cast<size_t>(random.Below(std::ssize(ids)))];
          if (random.Below(3) == 0) id += random.Below(2) == 0 ? "x" : "b";
          if (ascii) std::erase_if(id, [](char c) { return static_cast<uint8_t>(c) >= 0x80U; });
          const int64_t position = owned.view().Find(id);
          if (position >= 0) {
            expected.places.push_back(static_cast<int32_t>(position));
            expected.values.push_back(static_cast<float>(i));
          }
          row.push_back(id);
        }
        EXPECT_EQ(Found(index.value(), row), expected);
      }
    }
  }
}

TEST(IdIndex, ACharacterInHalvesBelongsToNoId) {
  const OwnedIds owned({"a😀", "b", "😀", "😀b"});
  const auto index = IdIndex::Create(owned.view());
  ASSERT_OK(index.status());
  // As JavaScript joins "a\uD83D", "\uDE00b", "b", "" and "😀".
  std::vector<int32_t> places = {2, 2, 1, 0, 2};
  ASSERT_EQ(index.value().Find("a😀bb😀", places, {}), 2U);
  EXPECT_EQ(places[0], owned.view().Find("b"));
  EXPECT_EQ(places[1], owned.view().Find("😀"));
}

TEST(IdIndex, LengthsThatDoNotFitTheTextDoNoHarm) {
  const OwnedIds owned({"a", "é"});
  const auto index = IdIndex::Create(owned.view());
  ASSERT_OK(index.status());
  std::vector<int32_t> places = {3, 9};
  EXPECT_EQ(index.value().Find("\xC3", places, {}), 0U);
  places = {1, 1, 1};
  EXPECT_EQ(index.value().Find("\xF0é", places, {}), 0U);
  places = {1};
  EXPECT_EQ(IdIndex().Find("a", places, {}), 0U);
}

}  // namespace
}  // namespace couponcast

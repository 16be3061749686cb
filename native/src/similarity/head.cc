#include "similarity/head.h"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>

namespace couponcast {
namespace {

constexpr size_t kMaxHead = 88;       // terms of the head, at most: its rows stay in the second-level cache
constexpr double kHeadShare = 0.045;  // share of the documents that a term of the head has at least

}  // namespace

Head ChooseHead(const CsrView& terms, int64_t num_documents) {
  Head head;
  const auto least = static_cast<int64_t>(kHeadShare * static_cast<double>(num_documents));
  for (int64_t t = 0; t < terms.rows; ++t) {
    if (terms.degree(t) > least) head.terms.push_back(static_cast<int32_t>(t));
  }
  std::ranges::sort(head.terms, [&](int32_t a, int32_t b) {
    const int64_t degree_a = terms.degree(a);
    const int64_t degree_b = terms.degree(b);
    return degree_a > degree_b || (degree_a == degree_b && a < b);
  });
  if (head.terms.size() > kMaxHead) head.terms.resize(kMaxHead);
  head.slot.assign(static_cast<size_t>(terms.rows), -1);
  for (size_t h = 0; h < head.terms.size(); ++h) head.slot[static_cast<size_t>(head.terms[h])] = static_cast<int32_t>(h);
  // Sorted by the power of 2 alone: what is looked up often is together.
  const auto power = [&](int64_t t) { return static_cast<size_t>(std::bit_width(static_cast<uint64_t>(terms.degree(t)))); };
  std::array<int32_t, 66> next{};  // by 64 - power
  for (int64_t t = 0; t < terms.rows; ++t) {
    if (head.slot[static_cast<size_t>(t)] < 0) ++next[65 - power(t)];
  }
  std::partial_sum(next.begin(), next.end(), next.begin());
  for (int64_t t = 0; t < terms.rows; ++t) {
    if (head.slot[static_cast<size_t>(t)] < 0) head.slot[static_cast<size_t>(t)] = ~next[64 - power(t)]++;
  }
  return head;
}

}  // namespace couponcast

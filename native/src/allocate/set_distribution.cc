#include "allocate/set_distribution.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "base/portable_math.h"

namespace couponcast {
namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

uint64_t Mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

// ln of the sum of exp(at(i)), i < n.
template <typename At>
double LogSumExp(size_t n, At&& at) {
  double most = kNever;
  for (size_t i = 0; i < n; ++i) most = std::max(most, at(i));
  if (most == kNever) return kNever;
  double sum = 0;
  for (size_t i = 0; i < n; ++i) sum += Exp(at(i) - most);
  return most + Log(sum);
}

// The index whose share of u, in [0, 1), it is; the last possible one where rounding leaves a rest.
template <typename Share>
size_t Pick(size_t n, double u, Share&& share) {
  size_t last = n;
  for (size_t i = 0; i < n; ++i) {
    const double p = share(i);
    if (p <= 0) continue;
    if (u < p) return i;
    u -= p;
    last = i;
  }
  return last;
}

}  // namespace

DrawStream::DrawStream(int64_t seed, int64_t key)
    : state_(Mix(static_cast<uint64_t>(seed) + 0x9e3779b97f4a7c15ULL) ^ Mix(~static_cast<uint64_t>(key))) {}

double DrawStream::Next() {
  state_ += 0x9e3779b97f4a7c15ULL;
  return static_cast<double>(Mix(state_) >> 11) * 0x1p-53;
}

SetDistribution::SetDistribution(const AllocationProblem& problem)
    : problem_(problem),
      one_(problem.per_user == 1 && std::ranges::all_of(problem.group_cap, [](int32_t cap) { return cap >= 1; })),
      current_(problem.group_cap.size() + 1, 0) {}

void SetDistribution::Load(std::span<const double> x, std::span<const int32_t> coupons) {
  x_ = x;
  coupons_ = coupons;
  if (!one_) return LoadTree();
  double most = 0;
  for (const double value : x) most = std::max(most, value);
  double sum = Exp(-most);
  for (const double value : x) sum += Exp(value - most);
  log_sum_ = most + Log(sum);
}

int32_t SetDistribution::AddLeaf(size_t first, size_t end) {
  nodes_.push_back({.begin = sums_.size(), .size = 2, .first = first, .end = end});
  sums_.push_back(0);
  sums_.push_back(LogSumExp(end - first, [&](size_t i) { return x_[order_[first + i]]; }));
  return static_cast<int32_t>(nodes_.size() - 1);
}

int32_t SetDistribution::Combine(int32_t left, int32_t right, int64_t cap) {
  const Node a = nodes_[static_cast<size_t>(left)];
  const Node b = nodes_[static_cast<size_t>(right)];
  const size_t size = static_cast<size_t>(std::min<int64_t>(cap, static_cast<int64_t>(a.size + b.size - 2))) + 1;
  nodes_.push_back({.begin = sums_.size(), .size = size, .left = left, .right = right});
  for (size_t k = 0; k < size; ++k) {
    const size_t low = k + 1 > b.size ? k + 1 - b.size : 0;
    const size_t high = std::min(k, a.size - 1);
    sums_.push_back(LogSumExp(high + 1 - low, [&](size_t i) { return sums_[a.begin + low + i] + sums_[b.begin + k - low - i]; }));
  }
  return static_cast<int32_t>(nodes_.size() - 1);
}

void SetDistribution::LoadTree() {
  const size_t all = current_.size() - 1;
  order_.resize(x_.size());
  std::iota(order_.begin(), order_.end(), size_t{0});
  std::ranges::sort(order_, [&](size_t a, size_t b) { return coupons_[a] < coupons_[b] || (coupons_[a] == coupons_[b] && a < b); });
  nodes_.assign(1, {.begin = 0, .size = 1});
  sums_.assign(1, 0.0);
  touched_.clear();
  for (size_t first = 0, end = 0; first < order_.size(); first = end) {
    const int32_t coupon = coupons_[order_[first]];
    while (end < order_.size() && coupons_[order_[end]] == coupon) ++end;
    const int32_t leaf = AddLeaf(first, end);
    const int32_t group = problem_.group[static_cast<size_t>(coupon)];
    const size_t at = group < 0 ? all : static_cast<size_t>(group);
    current_[at] = Combine(current_[at], leaf, group < 0 ? problem_.per_user : problem_.group_cap[at]);
    for (int32_t g = group; g >= 0 && std::ranges::find(touched_, g) == touched_.end(); g = problem_.group_parent[static_cast<size_t>(g)])
      touched_.push_back(g);
  }
  // Parents have smaller numbers.
  std::ranges::sort(touched_, std::greater());
  for (const int32_t g : touched_) {
    const auto from = static_cast<size_t>(g);
    const int32_t parent = problem_.group_parent[from];
    const size_t to = parent < 0 ? all : static_cast<size_t>(parent);
    current_[to] = Combine(current_[to], current_[from], parent < 0 ? problem_.per_user : problem_.group_cap[to]);
    current_[from] = 0;
  }
  current_[all] = 0;
  // The last node made is that of everything, or where nothing is, the empty set's.
  const Node& root = nodes_.back();
  log_sum_ = LogSumExp(root.size, [&](size_t k) { return sums_[root.begin + k]; });
}

void SetDistribution::Marginals(std::span<double> p) {
  if (one_) {
    for (size_t i = 0; i < x_.size(); ++i) p[i] = Exp(x_[i] - log_sum_);
    return;
  }
  std::ranges::fill(p, 0.0);
  chances_.assign(sums_.size(), 0.0);
  const Node& root = nodes_.back();
  for (size_t k = 0; k < root.size; ++k) chances_[root.begin + k] = Exp(sums_[root.begin + k] - log_sum_);
  for (size_t n = nodes_.size(); n-- > 1;) {
    const Node& node = nodes_[n];
    if (node.left < 0) {
      for (size_t i = node.first; i < node.end; ++i) {
        const size_t place = order_[i];
        if (x_[place] != kNever) p[place] = chances_[node.begin + 1] * Exp(x_[place] - sums_[node.begin + 1]);
      }
      continue;
    }
    const Node& a = nodes_[static_cast<size_t>(node.left)];
    const Node& b = nodes_[static_cast<size_t>(node.right)];
    for (size_t k = 0; k < node.size; ++k) {
      const double chance = chances_[node.begin + k];
      if (chance == 0) continue;
      for (size_t i = k + 1 > b.size ? k + 1 - b.size : 0; i < std::min(k + 1, a.size); ++i) {
        const double both = chance * Exp(sums_[a.begin + i] + sums_[b.begin + k - i] - sums_[node.begin + k]);
        chances_[a.begin + i] += both;
        chances_[b.begin + k - i] += both;
      }
    }
  }
}

void SetDistribution::Draw(DrawStream* stream, std::vector<size_t>* set) const {
  set->clear();
  if (one_) {
    const size_t at = Pick(x_.size() + 1, stream->Next(), [&](size_t i) { return Exp((i == 0 ? 0 : x_[i - 1]) - log_sum_); });
    if (at > 0) set->push_back(at - 1);
    return;
  }
  const Node& root = nodes_.back();
  std::vector<std::pair<int32_t, size_t>> open;
  open.emplace_back(static_cast<int32_t>(nodes_.size() - 1),
                    Pick(root.size, stream->Next(), [&](size_t k) { return Exp(sums_[root.begin + k] - log_sum_); }));
  while (!open.empty()) {
    const auto [n, k] = open.back();
    open.pop_back();
    if (k == 0) continue;
    const Node& node = nodes_[static_cast<size_t>(n)];
    if (node.left < 0) {
      const size_t at =
          Pick(node.end - node.first, stream->Next(), [&](size_t i) { return Exp(x_[order_[node.first + i]] - sums_[node.begin + 1]); });
      set->push_back(order_[node.first + at]);
      continue;
    }
    const Node& a = nodes_[static_cast<size_t>(node.left)];
    const Node& b = nodes_[static_cast<size_t>(node.right)];
    const size_t low = k + 1 > b.size ? k + 1 - b.size : 0;
    const size_t left = low + Pick(std::min(k + 1, a.size) - low, stream->Next(), [&](size_t i) {
                          return Exp(sums_[a.begin + low + i] + sums_[b.begin + k - low - i] - sums_[node.begin + k]);
                        });
    open.emplace_back(node.left, left);
    open.emplace_back(node.right, k - left);
  }
  std::ranges::sort(*set);
}

double SetDistribution::Probability(std::span<const size_t> set) const {
  double sum = -log_sum_;
  for (const size_t place : set) sum += x_[place];
  return Exp(sum);
}

}  // namespace couponcast

// The distribution P(S) ~ exp(sum of x over S) over the sets of a unit's candidates that nested caps allow.
#ifndef COUPONCAST_ALLOCATE_SET_DISTRIBUTION_H_
#define COUPONCAST_ALLOCATE_SET_DISTRIBUTION_H_

#include <cstdint>
#include <span>
#include <vector>

#include "couponcast/allocate.h"

namespace couponcast {

// Uniform numbers of a stream that a seed and a key name. Source: SplitMix64 (Steele, Lea & Flood 2014).
class DrawStream {
 public:
  DrawStream(int64_t seed, int64_t key);
  double Next();  // in [0, 1), 53 bits

 private:
  uint64_t state_;
};

// In logarithms throughout, since x spans thousands. Caps of 1 are a softmax. Others: the sets of k elements of a coupon,
// of a group, of everything, summed up for each k from the innermost cap outwards, each step kept so that marginals and
// draws can go the same way back.
class SetDistribution {
 public:
  explicit SetDistribution(const AllocationProblem& problem);

  // x [places], -infinity: never; coupons [places].
  void Load(std::span<const double> x, std::span<const int32_t> coupons);
  double log_sum() const { return log_sum_; }
  // p [places]: the probability that S holds the place.
  void Marginals(std::span<double> p);
  // Positions of the places of S, ascending.
  void Draw(DrawStream* stream, std::vector<size_t>* set) const;
  double Probability(std::span<const size_t> set) const;

 private:
  // Logarithms of the sums over sets of 0, 1, ... elements: of two parts, or of a coupon's places.
  struct Node {
    size_t begin;
    size_t size;
    int32_t left = -1;
    int32_t right = -1;
    size_t first = 0;  // of a coupon's places within order_
    size_t end = 0;
  };

  int32_t AddLeaf(size_t first, size_t end);
  int32_t Combine(int32_t left, int32_t right, int64_t cap);
  void LoadTree();

  const AllocationProblem& problem_;
  bool one_;
  double log_sum_ = 0;
  std::span<const double> x_;
  std::span<const int32_t> coupons_;
  std::vector<size_t> order_;
  std::vector<Node> nodes_;
  std::vector<double> sums_;
  std::vector<double> chances_;   // of each count of each node
  std::vector<int32_t> current_;  // node of each group so far; the last is everything
  std::vector<int32_t> touched_;
};

}  // namespace couponcast

#endif  // COUPONCAST_ALLOCATE_SET_DISTRIBUTION_H_

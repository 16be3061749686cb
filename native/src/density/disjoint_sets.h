// A disjoint-set forest over an array of parents. The root of a tree is its smallest element, whatever the order of the
// unions.
#ifndef COUPONCAST_DENSITY_DISJOINT_SETS_H_
#define COUPONCAST_DENSITY_DISJOINT_SETS_H_

#include <cstdint>
#include <span>
#include <utility>

namespace couponcast {

inline int32_t FindRoot(std::span<int32_t> forest, int32_t element) {
  int32_t parent = forest[static_cast<size_t>(element)];
  while (parent != element) {
    const int32_t above = forest[static_cast<size_t>(parent)];
    forest[static_cast<size_t>(element)] = above;
    element = above;
    parent = forest[static_cast<size_t>(element)];
  }
  return element;
}

// Returns the root of the union.
inline int32_t Unite(std::span<int32_t> forest, int32_t a, int32_t b) {
  a = FindRoot(forest, a);
  b = FindRoot(forest, b);
  if (a > b) std::swap(a, b);
  forest[static_cast<size_t>(b)] = a;
  return a;
}

}  // namespace couponcast

#endif  // COUPONCAST_DENSITY_DISJOINT_SETS_H_

// Generated input of the native benchmarks and of the guard.
#ifndef COUPONCAST_BENCH_NATIVE_DATA_H_
#define COUPONCAST_BENCH_NATIVE_DATA_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "couponcast/matrix.h"
#include "couponcast/recommend.h"
#include "couponcast/weighting.h"

namespace couponcast::bench {

// How much of everything; rows of a kernel are the first ones of the matrix.
struct Sizes {
  int64_t users;
  int64_t items;
  double cells_per_user;  // mean
  int64_t similar_users;  // rows of SimilarRows over users
  int64_t similar_items;  // and over items
  int64_t pair_users;     // of a matrix whose rows are all compared
  int64_t recommend_users;
  int64_t affinity_users;
  int64_t points;        // of K-means
  int64_t tile_columns;  // documents of an AddHeadRows
  int64_t digest_bytes;
};

// tiny, small, large (the shapes of bench/data.mjs) or guard; nothing for another name.
std::optional<Sizes> SizesOf(std::string_view name);

// Owns a matrix and its transpose.
class OwnedMatrix {
 public:
  // Row lengths are log-normal with the mean `cells_per_user` and sigma 1, from 1 to a tenth of the items. Items are drawn
  // by Zipf's law with exponent 1, none twice in a row; the popular ones are spread over all places. Values are 1, 2 and
  // 3 in 70, 20 and 10 of a hundred cells, times a factor from [0.5, 1.5).
  OwnedMatrix(int64_t users, int64_t items, double cells_per_user, uint64_t seed);

  CsrView by_user() const { return {rows_, cols_, csr_.indptr, csr_.indices, csr_.values}; }
  CsrView by_item() const { return {cols_, rows_, csc_.indptr, csc_.indices, csc_.values}; }

 private:
  struct Compressed {
    std::vector<int64_t> indptr;
    std::vector<int32_t> indices;
    std::vector<float> values;
  };
  void Transpose();

  int64_t rows_;
  int64_t cols_;
  Compressed csr_;
  Compressed csc_;
};

struct OwnedWeights {
  OwnedWeights(const CsrView& documents, const CsrView& terms, const WeightingParams& weighting);
  DocumentWeights view() const { return {params, term_weight, length, scale}; }

  WeightingParams params;
  std::vector<float> term_weight;
  std::vector<float> length;
  std::vector<float> scale;
  Status status;  // of what made them
};

struct OwnedLists {
  OwnedLists(int64_t num_rows, int64_t width);
  NeighbourLists view() const { return {rows, k, indices, scores, counts}; }

  int64_t rows;
  int64_t k;
  std::vector<int32_t> indices;
  std::vector<float> scores;
  std::vector<int32_t> counts;
};

// What several kernels read, each made when the first of them asks.
class Inputs {
 public:
  explicit Inputs(const Sizes& sizes) : sizes_(sizes) {}

  const Sizes& sizes() const { return sizes_; }
  const OwnedMatrix& matrix();
  const OwnedWeights& user_weights();  // cosine
  const OwnedWeights& item_weights();
  const OwnedMatrix& pair_matrix();    // of `pair_users` users
  const OwnedWeights& pair_weights();  // of its users, cosine
  const OwnedLists& model();           // 20 nearest items of each item

 private:
  Sizes sizes_;
  std::optional<OwnedMatrix> matrix_;
  std::optional<OwnedWeights> user_weights_;
  std::optional<OwnedWeights> item_weights_;
  std::optional<OwnedMatrix> pair_matrix_;
  std::optional<OwnedWeights> pair_weights_;
  std::optional<OwnedLists> model_;
};

}  // namespace couponcast::bench

#endif  // COUPONCAST_BENCH_NATIVE_DATA_H_

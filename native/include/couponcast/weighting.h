// Weightings: how a cell r of the behaviour matrix becomes the weight that similarities are computed from.
//
// A "document" is a row of the matrix that is compared with other rows; a "term" is a column. For item similarity
// the documents are items and the terms are users. w_dt = tf(r_dt, d) * term_weight_t, and
// similarity(d, e) = scale_d * scale_e * sum_t w_dt * w_et.
#ifndef COUPONCAST_WEIGHTING_H_
#define COUPONCAST_WEIGHTING_H_

#include <cmath>
#include <cstdint>
#include <span>

#include "couponcast/kernel.h"
#include "couponcast/matrix.h"
#include "couponcast/status.h"

namespace couponcast {

enum class Weighting : int32_t {
  kCosine = 0,      // tf = r;                          term weight 1;              scale 1 / |w_d|
  kTfIdf = 1,       // tf = sign(r) sqrt(|r|);          idf = ln(N / (1 + df_t));   scale 1 / |w_d|
  kBm25 = 2,        // tf = r (K1 + 1) / (r + length);  the same idf;               scale 1
  kSaturation = 3,  // tf = r / (r + lambda);           term weight 1;              scale 1
};
inline constexpr int32_t kNumWeightings = 4;

struct WeightingParams {
  Weighting weighting = Weighting::kCosine;
  double k1 = 1.2;      // BM25, >= 0
  double b = 0.75;      // BM25, in [0, 1]
  double lambda = 1.0;  // saturation, > 0
};

// tf(r, length): `length` is K1 (1 - B + B L_d / mean L) for BM25 and lambda for saturation, else unused.
// Saturation and BM25 take r < 0 as 0 (they are defined for r >= 0).
template <Weighting kWeighting>
inline float TermFrequency(float r, [[maybe_unused]] float length, [[maybe_unused]] float k1_plus_1) {
  if constexpr (kWeighting == Weighting::kCosine) {
    return r;
  } else if constexpr (kWeighting == Weighting::kTfIdf) {
    return std::copysign(std::sqrt(std::fabs(r)), r);
  } else if constexpr (kWeighting == Weighting::kBm25) {
    return r > 0 ? r * k1_plus_1 / (r + length) : 0.0F;
  } else {
    return r > 0 ? r / (r + length) : 0.0F;
  }
}

// The vectors that a weighting needs, one entry per term or document; shared by every shard.
struct DocumentWeights {
  WeightingParams params;
  std::span<const float> term_weight;  // [cols]
  std::span<const float> length;       // [rows]
  std::span<const float> scale;        // [rows]
};

// Fills term_weight [cols] and length [rows] for `documents` (rows = documents, cols = terms). `terms` is its transpose.
// idf is clamped at 0: a term that nearly every document holds counts nothing instead of negatively. Cost: one pass over the terms,
// for BM25 over the cells, sums in float64 in row order. Errors: kInvalidArgument (parameters, sizes), kCancelled.
// Source: formulas.md, "Collaborative filtering"; BM25: Robertson & Zaragoza 2009.
Status WeighTerms(const CsrView& documents, const CsrView& terms, const WeightingParams& params, CancelFlag cancel,
                  std::span<float> term_weight, std::span<float> length);

// Fills the scales of the documents of `range` from the rest of `weights`; scale [rows], which `weights` need not hold. A document of
// norm 0 gets 0. Cost: one pass over their cells, sums in float64 in row order. Errors: kInvalidArgument (sizes), kOutOfRange,
// kCancelled.
Status ScaleDocuments(const CsrView& documents, const DocumentWeights& weights, RowRange range, CancelFlag cancel, std::span<float> scale);

}  // namespace couponcast

#endif  // COUPONCAST_WEIGHTING_H_

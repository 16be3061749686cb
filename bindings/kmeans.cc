#include "couponcast/kmeans.h"

#include <algorithm>

#include "addon.h"
#include "couponcast/kmeans_filter.h"
#include "couponcast/kmeans_groups.h"
#include "couponcast/kmeans_sums.h"
#include "couponcast/sparse_kmeans.h"
#include "couponcast/sparse_kmeans_step.h"

namespace couponcast::node {
namespace {

// Moves the points of the call from the clusters `labels` to the clusters `outLabels` in the caller's sums.
void MoveSums(const Args& args) {
  Check(args.env(),
        KmeansMoveSums(args.In<float>("points"), args.Integer("dims"), args.OptionalIn<float>("weights"), args.In<float>("largest"),
                       args.In<int32_t>("labels"), args.Out<int32_t>("outLabels"), args.Range(), args.Cancel(), args.Out<int64_t>("sums")));
}

Napi::Value KmeansAssignBinding(const Args& args) {
  KmeansPartial partial;
  Check(args.env(),
        KmeansAssign(args.In<float>("points"), args.Integer("dims"), args.OptionalIn<float>("weights"), args.In<float>("centroids"),
                     args.Range(), args.Cancel(), args.Out<int32_t>("outLabels"), args.Out<float>("outDistances"), &partial));
  if (args.Has("sums")) MoveSums(args);
  return Napi::Number::New(args.env(), partial.inertia);
}

Napi::Value KmeansReadSumsBinding(const Args& args) {
  Check(args.env(), KmeansReadSums(args.In<int64_t>("parts"), args.Integer("dims"), args.In<float>("largest"), args.Integer("rows"),
                                   args.Out<double>("outSums"), args.Out<double>("outWeights"), args.Out<double>("outCounts")));
  return args.env().Undefined();
}

Napi::Value KmeansMinDistanceBinding(const Args& args) {
  double sum = 0;
  Check(args.env(), KmeansMinDistance(args.In<float>("points"), args.Integer("dims"), args.OptionalIn<float>("weights"),
                                      args.In<float>("centroid"), args.Range(), args.Cancel(), args.Out<float>("outDistances"), &sum));
  return Napi::Number::New(args.env(), sum);
}

Napi::Value KmeansBoxBinding(const Args& args) {
  Check(args.env(), KmeansBox(args.In<float>("points"), args.Integer("dims"), args.Range(), args.Cancel(), args.Out<float>("outLows"),
                              args.Out<float>("outHighs")));
  return args.env().Undefined();
}

Napi::Value KmeansEncodeBinding(const Args& args) {
  Check(args.env(), KmeansEncode(args.In<float>("points"), args.Integer("dims"), args.In<float>("centre"), args.In<float>("steps"),
                                 args.Range(), args.Cancel(), args.Out<uint8_t>("outCodes"), args.Out<float>("outNorms")));
  return args.env().Undefined();
}

// Bytes with a sign have no typed array of their own here: the panel travels as U8.
std::span<int8_t> Signed(std::span<uint8_t> bytes) { return {reinterpret_cast<int8_t*>(bytes.data()), bytes.size()}; }

Napi::Value KmeansEncodeCentroidsBinding(const Args& args) {
  bool usable = false;
  Check(args.env(),
        KmeansEncodeCentroids(args.In<float>("centroids"), args.Integer("dims"), args.In<float>("centre"), args.In<float>("steps"),
                              args.In<int32_t>("order"), args.Integer("side"), Signed(args.Out<uint8_t>("outPanel")),
                              args.Out<int32_t>("outStarts"), args.Out<double>("outScale"), &usable));
  return Napi::Boolean::New(args.env(), usable);
}

// What both ways to look by bytes take; the bounds' moves are their own.
template <typename Codes>
Codes CodesOf(const Args& args) {
  Codes codes;
  codes.codes = args.In<uint8_t>("codes");
  codes.norms = args.In<float>("norms");
  codes.order = args.In<int32_t>("order");
  codes.panel = Signed(args.Out<uint8_t>("panel"));
  codes.starts = args.In<int32_t>("starts");
  codes.scale = args.In<double>("scale");
  codes.lower = args.Out<float>("outLower");
  return codes;
}

// The labels to write, with those before in them.
std::span<int32_t> LabelsToChange(const Args& args) {
  const auto before = args.In<int32_t>("labels");
  const auto labels = args.Out<int32_t>("outLabels");
  if (before.size() == labels.size()) std::ranges::copy(before, labels.begin());
  return labels;
}

Napi::Value KmeansAssignFilteredBinding(const Args& args) {
  KmeansPartial partial;
  auto codes = CodesOf<KmeansCodes>(args);
  codes.moves = args.In<double>("moves");
  const auto labels = LabelsToChange(args);
  Check(args.env(),
        KmeansAssignFiltered(args.In<float>("points"), args.Integer("dims"), args.OptionalIn<float>("weights"), args.In<float>("centroids"),
                             codes, args.Range(), args.Cancel(), labels, args.Out<float>("outDistances"), &partial));
  MoveSums(args);
  return Napi::Number::New(args.env(), partial.inertia);
}

Napi::Value KmeansAssignGroupsBinding(const Args& args) {
  auto codes = CodesOf<KmeansGroupCodes>(args);
  codes.drifts = args.In<double>("drifts");
  const auto labels = LabelsToChange(args);
  double inertia = 0;
  Check(args.env(),
        KmeansAssignGroups(args.In<float>("points"), args.Integer("dims"), args.OptionalIn<float>("weights"), args.In<float>("centroids"),
                           codes, args.Range(), args.Cancel(), labels, args.Out<float>("outDistances"), &inertia));
  MoveSums(args);
  return Napi::Number::New(args.env(), inertia);
}

Napi::Value KmeansOrderBinding(const Args& args) {
  Check(args.env(), KmeansOrder(args.In<float>("centroids"), args.Integer("dims"), args.Cancel(), args.Out<int32_t>("outOrder")));
  return args.env().Undefined();
}

Napi::Value SparseRowLengthsBinding(const Args& args) {
  const auto& matrix = args.Matrix("matrix");
  Check(args.env(), SparseRowLengths(args.Text("axis") == "users" ? matrix.by_user() : matrix.by_item(), args.Bool("unit"), args.Range(),
                                     args.Cancel(), args.Out<float>("outFactors"), args.Out<double>("outSquares")));
  return args.env().Undefined();
}

Napi::Value SparseKmeansAssignBinding(const Args& args) {
  double inertia = 0;
  Check(args.env(),
        SparseKmeansAssign(args.Matrix("matrix").by_user(), args.In<float>("factors"), args.In<double>("squares"),
                           args.In<float>("centroids"), args.In<double>("norms"), args.Range(), args.Cancel(),
                           args.Out<int32_t>("outLabels"), args.Out<float>("outDistances"), args.Out<int64_t>("outCounts"), &inertia));
  return Napi::Number::New(args.env(), inertia);
}

// Numbers of 16 bits travel as U8.
template <typename Short, typename Byte>
std::span<Short> Shorts(std::span<Byte> bytes) {
  return {reinterpret_cast<Short*>(bytes.data()), bytes.size() / sizeof(Short)};
}

SparseKmeansCodes Codes(const Args& args) {
  return {Shorts<const int16_t>(args.In<uint8_t>("codes")), args.In<float>("steps"), args.In<float>("errors")};
}

// Which views `by_user`.
SparseKmeansKeptSums KeptSums(const Args& args, const CsrView& by_user) {
  return {&by_user, args.OptionalIn<int32_t>("before"), args.OptionalOut<double>("sums")};
}

SparseKmeansTotals Totals(const Args& args) {
  return {args.Out<double>("outNorms"), args.Out<double>("outShifts"), args.Out<double>("outProducts")};
}

Napi::Value SparseKmeansEncodeBinding(const Args& args) {
  SparseKmeansReach reach;
  Check(args.env(), SparseKmeansEncode(args.Matrix("matrix").by_user(), args.In<float>("factors"), args.Range(), args.Cancel(),
                                       Shorts<int16_t>(args.Out<uint8_t>("outCodes")), args.Out<float>("outSteps"),
                                       args.Out<float>("outErrors"), &reach));
  const Napi::Object object = Napi::Object::New(args.env());
  object.Set("least", static_cast<double>(reach.least));
  object.Set("largest", static_cast<double>(reach.largest));
  return object;
}

Napi::Value SparseKmeansShortenBinding(const Args& args) {
  Check(args.env(), SparseKmeansShorten(args.In<float>("centroids"), args.Integer("k"), args.Number("shortScale"), args.Range(),
                                        args.Cancel(), Shorts<int16_t>(args.Out<uint8_t>("outShorts"))));
  return args.env().Undefined();
}

Napi::Value SparseKmeansLabelsBinding(const Args& args) {
  Check(args.env(), SparseKmeansLabels(args.Matrix("matrix").by_user(), args.In<float>("factors"), args.In<double>("squares"),
                                       args.In<float>("centroids"), args.In<double>("norms"), Codes(args),
                                       Shorts<const int16_t>(args.In<uint8_t>("shorts")), args.Number("shortScale"), args.Range(),
                                       args.Cancel(), args.Out<int32_t>("outLabels"), args.Out<int64_t>("outCounts")));
  return args.env().Undefined();
}

Napi::Value SparseKmeansMeansBinding(const Args& args) {
  const SparseKmeansCentroids to{args.Out<float>("outCentroids"), Shorts<int16_t>(args.OptionalOut<uint8_t>("outShorts")),
                                 args.Number("shortScale")};
  const CsrView by_user = args.Matrix("matrix").by_user();
  float largest = 0;
  Check(args.env(), SparseKmeansMeans(args.Matrix("matrix").by_item(), args.In<float>("factors"), args.OptionalIn<float>("weights"),
                                      args.In<int32_t>("labels"), args.In<double>("scale"), args.In<float>("old"), args.Range(),
                                      args.Cancel(), KeptSums(args, by_user), to, Totals(args), &largest));
  return Napi::Number::New(args.env(), static_cast<double>(largest));
}

Napi::Value SparseKmeansStepBinding(const Args& args) {
  const SparseKmeansShared shared{args.Out<int32_t>("counters"), args.Out<int64_t>("outCounts"), args.Integer("call")};
  const SparseKmeansCentroids to{args.Out<float>("outCentroids"), Shorts<int16_t>(args.Out<uint8_t>("shorts")),
                                 args.Number("outShortScale")};
  const CsrView by_user = args.Matrix("matrix").by_user();
  float largest = 0;
  Check(args.env(),
        SparseKmeansStep(by_user, args.Matrix("matrix").by_item(), args.In<float>("factors"), args.In<double>("squares"),
                         args.In<float>("centroids"), args.In<double>("norms"), Codes(args), args.Number("shortScale"), args.Cancel(),
                         shared, args.Out<int32_t>("outLabels"), KeptSums(args, by_user), to, Totals(args), &largest));
  return Napi::Number::New(args.env(), static_cast<double>(largest));
}

}  // namespace

void ExportKmeans(Napi::Object exports) {
  Export<KmeansAssignBinding>(exports, "kmeansAssign");
  Export<KmeansAssignGroupsBinding>(exports, "kmeansAssignGroups");
  Export<KmeansOrderBinding>(exports, "kmeansOrder");
  Export<KmeansAssignFilteredBinding>(exports, "kmeansAssignFiltered");
  Export<KmeansBoxBinding>(exports, "kmeansBox");
  Export<KmeansEncodeBinding>(exports, "kmeansEncode");
  Export<KmeansEncodeCentroidsBinding>(exports, "kmeansEncodeCentroids");
  Export<KmeansMinDistanceBinding>(exports, "kmeansMinDistance");
  Export<KmeansReadSumsBinding>(exports, "kmeansReadSums");
  Export<SparseKmeansAssignBinding>(exports, "sparseKmeansAssign");
  Export<SparseKmeansEncodeBinding>(exports, "sparseKmeansEncode");
  Export<SparseKmeansLabelsBinding>(exports, "sparseKmeansLabels");
  Export<SparseKmeansMeansBinding>(exports, "sparseKmeansMeans");
  Export<SparseKmeansShortenBinding>(exports, "sparseKmeansShorten");
  Export<SparseKmeansStepBinding>(exports, "sparseKmeansStep");
  Export<SparseRowLengthsBinding>(exports, "sparseRowLengths");
}

}  // namespace couponcast::node

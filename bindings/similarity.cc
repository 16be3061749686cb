#include "couponcast/similarity.h"

#include "addon.h"
#include "couponcast/all_pairs.h"
#include "couponcast/pair_tiles.h"
#include "weighting_args.h"

namespace couponcast::node {
namespace {

Napi::Value WeighTermsBinding(const Args& args) {
  const Documents documents = DocumentsOf(args);
  Check(args.env(), WeighTerms(documents.rows, documents.cols, Params(args), args.Cancel(), args.Out<float>("outTermWeight"),
                               args.Out<float>("outLength")));
  return args.env().Undefined();
}

Napi::Value ScaleDocumentsBinding(const Args& args) {
  Check(args.env(), ScaleDocuments(DocumentsOf(args).rows, Weights(args), args.Range(), args.Cancel(), args.Out<float>("outScale")));
  return args.env().Undefined();
}

Napi::Value SimilarRowsBinding(const Args& args) {
  const Documents documents = DocumentsOf(args);
  Check(args.env(),
        SimilarRows(documents.rows, documents.cols, Weights(args), args.Range(), args.Integer("k"), args.Bool("includeSelf"), args.Cancel(),
                    args.Out<int32_t>("outIndices"), args.Out<float>("outScores"), args.Out<int32_t>("outCounts"), args.Progress()));
  return args.env().Undefined();
}

Napi::Value SimilarRowsPerCallBinding(const Args& args) {
  const Documents documents = DocumentsOf(args);
  return Napi::Number::New(
      args.env(), static_cast<double>(Unwrap(args.env(), SimilarRowsPerCall(documents.rows, documents.cols, args.Range(), args.Integer("k"),
                                                                            args.Integer("threads")))));
}

Napi::Value SimilarityWorkBinding(const Args& args) {
  const Documents documents = DocumentsOf(args);
  Check(args.env(), SimilarityWork(documents.rows, documents.cols, args.Range(), args.Out<double>("outWork")));
  return args.env().Undefined();
}

// Pairs of 4-byte numbers, which JavaScript holds as Int32Array.
template <typename Pair>
std::span<Pair> OutPairs(const Args& args, const char* name) {
  static_assert(sizeof(Pair) == 2 * sizeof(int32_t) && alignof(Pair) == alignof(int32_t));
  const std::span<int32_t> numbers = args.Out<int32_t>(name);
  return {reinterpret_cast<Pair*>(numbers.data()), numbers.size() / 2};
}

PairLists Lists(const Args& args) {
  return {.largest = static_cast<int32_t>(args.Integer("largest")),
          .order = args.Out<int32_t>("order"),
          .places = OutPairs<PairLists::Place>(args, "places"),
          .head = args.Out<float>("head"),
          .tail = args.Out<uint8_t>("tail"),
          .before = args.Out<int32_t>("before"),
          .square_ranks = args.Integer("squareRanks"),
          .square = args.Out<float>("square"),
          .strip_ranks = args.Integer("stripRanks"),
          .strip = args.Out<float>("strip")};
}

BestLists Best(const Args& args) {
  const auto entries = args.Out<int64_t>("bestEntries");
  return {{reinterpret_cast<uint64_t*>(entries.data()), entries.size()},
          args.Out<int32_t>("bestCounts"),
          args.Out<float>("bestThresholds"),
          args.Out<float>("bestBounds")};
}

Napi::Value AllPairsPaysBinding(const Args& args) {
  const Documents documents = DocumentsOf(args);
  return Napi::Boolean::New(args.env(), AllPairsPays(documents.rows, documents.cols, args.Integer("k")));
}

Napi::Value OrderByDegreeBinding(const Args& args) {
  Check(args.env(), OrderByDegree(DocumentsOf(args).rows, args.Out<int32_t>("outOrder")));
  return args.env().Undefined();
}

Napi::Value LargestWholeBinding(const Args& args) {
  int32_t largest = 0;
  Check(args.env(), LargestWhole(DocumentsOf(args).rows, Weights(args), args.Range(), args.Cancel(), &largest));
  return Napi::Number::New(args.env(), largest);
}

Napi::Value PlanPairsBinding(const Args& args) {
  const Documents documents = DocumentsOf(args);
  Check(args.env(), PlanPairs(documents.rows, documents.cols, args.In<int32_t>("order"), static_cast<int32_t>(args.Integer("largest")),
                              args.Integer("stripRanks"), args.Range(), args.Cancel(), OutPairs<PairLists::Place>(args, "outSizes")));
  return args.env().Undefined();
}

Napi::Value SumPairPlacesBinding(const Args& args) {
  Check(args.env(), SumPairPlaces(OutPairs<PairLists::Place>(args, "places")));
  return args.env().Undefined();
}

Napi::Value FillPairListsBinding(const Args& args) {
  const Documents documents = DocumentsOf(args);
  bool applies = false;
  Check(args.env(), FillPairLists(documents.rows, documents.cols, Weights(args), args.Range(), args.Cancel(), Lists(args),
                                  args.Out<double>("outWork"), &applies));
  return Napi::Boolean::New(args.env(), applies);
}

Napi::Value DenseRanksBinding(const Args& args) {
  const CsrView documents = DocumentsOf(args).rows;
  const auto order = args.In<int32_t>("order");
  const int64_t square = SquareRanks(documents, order, static_cast<int32_t>(args.Integer("largest")));
  Napi::Object ranks = Napi::Object::New(args.env());
  ranks.Set("squareRanks", static_cast<double>(square));
  ranks.Set("stripRanks", static_cast<double>(StripRanks(documents, order, square)));
  return ranks;
}

Napi::Value SumPairSquareBinding(const Args& args) {
  const Documents documents = DocumentsOf(args);
  Check(args.env(), SumPairSquare(documents.rows, documents.cols, Weights(args), args.In<int32_t>("order"), args.Integer("part"),
                                  args.Integer("parts"), args.Cancel(), args.Integer("squareRanks"), args.Out<float>("square")));
  return args.env().Undefined();
}

Napi::Value SumPairStripBinding(const Args& args) {
  const Documents documents = DocumentsOf(args);
  Check(args.env(),
        SumPairStrip(documents.rows, documents.cols, Weights(args), args.In<int32_t>("order"), args.Integer("part"), args.Integer("parts"),
                     args.Cancel(), args.Integer("squareRanks"), args.Integer("stripRanks"), args.Out<float>("strip")));
  return args.env().Undefined();
}

Napi::Value AddPairsBinding(const Args& args) {
  const Documents documents = DocumentsOf(args);
  Check(args.env(), AddPairs(documents.rows, documents.cols, Weights(args), Lists(args), args.Range(), args.Integer("k"),
                             args.Bool("includeSelf"), args.Cancel(), Best(args)));
  return args.env().Undefined();
}

Napi::Value MergeBestListsBinding(const Args& args) {
  Check(args.env(), MergeBestLists(args.In<int32_t>("order"), Best(args), args.Integer("lanes"), args.Range(), args.Integer("k"),
                                   args.Out<int32_t>("outIndices"), args.Out<float>("outScores"), args.Out<int32_t>("outCounts")));
  return args.env().Undefined();
}

CandidateLists Candidates(const Args& args) {
  return {OutPairs<ScoredIndex>(args, "candidateEntries"), args.Out<int32_t>("candidateCounts"), args.Out<float>("candidateKthLower"),
          args.Out<float>("candidateError")};
}

Napi::Value AddPairTilesBinding(const Args& args) {
  const Documents documents = DocumentsOf(args);
  const RowRange other{args.Integer("otherBegin"), args.Integer("otherEnd")};
  bool applies = false;
  Check(args.env(), AddPairTiles(documents.rows, documents.cols, Weights(args), args.Range(), other, args.Integer("k"), args.Cancel(),
                                 Candidates(args), &applies));
  return Napi::Boolean::New(args.env(), applies);
}

Napi::Value AnswerPairTilesBinding(const Args& args) {
  const Documents documents = DocumentsOf(args);
  Check(args.env(), AnswerPairTiles(documents.rows, documents.cols, Weights(args), args.Range(), args.Integer("k"),
                                    args.Bool("includeSelf"), args.Cancel(), Candidates(args), args.Out<int32_t>("outIndices"),
                                    args.Out<float>("outScores"), args.Out<int32_t>("outCounts")));
  return args.env().Undefined();
}

}  // namespace

void ExportSimilarity(Napi::Object exports) {
  Export<WeighTermsBinding>(exports, "weighTerms");
  Export<ScaleDocumentsBinding>(exports, "scaleDocuments");
  Export<SimilarRowsBinding>(exports, "similarRows");
  Export<SimilarRowsPerCallBinding>(exports, "similarRowsPerCall");
  Export<SimilarityWorkBinding>(exports, "similarityWork");
  Export<AllPairsPaysBinding>(exports, "allPairsPays");
  Export<OrderByDegreeBinding>(exports, "orderByDegree");
  Export<LargestWholeBinding>(exports, "largestWhole");
  Export<PlanPairsBinding>(exports, "planPairs");
  Export<SumPairPlacesBinding>(exports, "sumPairPlaces");
  Export<FillPairListsBinding>(exports, "fillPairLists");
  Export<DenseRanksBinding>(exports, "denseRanks");
  Export<SumPairSquareBinding>(exports, "sumPairSquare");
  Export<SumPairStripBinding>(exports, "sumPairStrip");
  Export<AddPairsBinding>(exports, "addPairs");
  Export<MergeBestListsBinding>(exports, "mergeBestLists");
  Export<AddPairTilesBinding>(exports, "addPairTiles");
  Export<AnswerPairTilesBinding>(exports, "answerPairTiles");
}

}  // namespace couponcast::node

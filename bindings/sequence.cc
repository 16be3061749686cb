#include "couponcast/sequences.h"

#include "addon.h"

namespace couponcast::node {
namespace {

SequencesView SequencesOf(const Args& args) {
  return {args.In<int64_t>("indptr"), args.In<uint8_t>("behaviours"), args.In<int64_t>("times"), args.Integer("states")};
}

// Microseconds since 1970, which a number of JavaScript holds exactly until the year 2255.
int64_t AsOf(const Args& args) { return args.Integer("asOf"); }

Napi::Value GroupEventsBinding(const Args& args) {
  Check(args.env(), GroupEvents(args.In<int32_t>("users"), args.In<uint8_t>("behaviours"), args.In<int64_t>("times"), args.Cancel(),
                                args.Out<int64_t>("outIndptr"), args.Out<uint8_t>("outBehaviours"), args.Out<int64_t>("outTimes")));
  return args.env().Undefined();
}

Napi::Value SortSequencesBinding(const Args& args) {
  Check(args.env(), SortSequences(args.In<int64_t>("indptr"), args.Out<uint8_t>("behaviours"), args.Out<int64_t>("times"), args.Range(),
                                  args.Cancel()));
  return args.env().Undefined();
}

Napi::Value CountTransitionsBinding(const Args& args) {
  const TransitionCounts out{args.Out<int64_t>("outCounts"), args.Out<double>("outGapSums"), args.Out<int64_t>("outStarts"),
                             args.Out<int64_t>("outEnds")};
  Check(args.env(), CountTransitions(SequencesOf(args), args.OptionalIn<int32_t>("labels"), args.Range(), args.Cancel(), out));
  return args.env().Undefined();
}

Napi::Value ListGapsBinding(const Args& args) {
  Check(args.env(), ListGaps(SequencesOf(args), args.Range(), args.Cancel(), args.Out<int64_t>("cursors"), args.Out<int64_t>("outGaps")));
  return args.env().Undefined();
}

Napi::Value MedianGapBinding(const Args& args) { return Napi::Number::New(args.env(), MedianGap(args.Out<int64_t>("gaps"))); }

Napi::Value CountWaitsBinding(const Args& args) {
  Check(args.env(), CountWaits(SequencesOf(args), AsOf(args), args.Range(), args.Cancel(), args.Out<int64_t>("outWaits"),
                               args.Out<int64_t>("outCensored")));
  return args.env().Undefined();
}

Napi::Value NextWithinBinding(const Args& args) {
  Check(args.env(), NextWithin(SequencesOf(args), args.In<int64_t>("waits"), args.In<int64_t>("censored"), args.In<int32_t>("users"),
                               args.In<int64_t>("moments"), args.Number("horizonSeconds"), args.Range(), args.Cancel(),
                               args.Out<float>("outProbabilities")));
  return args.env().Undefined();
}

}  // namespace

void ExportSequence(Napi::Object exports) {
  Export<GroupEventsBinding>(exports, "groupEvents");
  Export<SortSequencesBinding>(exports, "sortSequences");
  Export<CountTransitionsBinding>(exports, "countTransitions");
  Export<ListGapsBinding>(exports, "listGaps");
  Export<MedianGapBinding>(exports, "medianGap");
  Export<CountWaitsBinding>(exports, "countWaits");
  Export<NextWithinBinding>(exports, "nextWithin");
}

}  // namespace couponcast::node

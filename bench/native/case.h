// A kernel on generated input: what the benchmark times and the guard counts.
#ifndef COUPONCAST_BENCH_NATIVE_CASE_H_
#define COUPONCAST_BENCH_NATIVE_CASE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bench/native/data.h"
#include "couponcast/status.h"

namespace couponcast::bench {

// What one run does, in the units of limits.h; 0 where that does not matter.
struct Cost {
  double work = 0;  // what the rate counts
  std::string unit;
  double flops = 0;            // fp32, multiplied before they are added
  double scatter_adds = 0;     // to floats
  int64_t scatter_bytes = 0;   //   of an accumulator of so many bytes
  double read_bytes = 0;       // read in order
  int64_t read_set_bytes = 0;  //   from so many bytes
};

class Case {
 public:
  virtual ~Case() = default;
  Case(const Case&) = delete;
  Case& operator=(const Case&) = delete;

  const std::string& name() const { return name_; }
  // Whether it runs other code on another SIMD target.
  bool simd() const { return simd_; }

  // Makes the input and room for the result. Once, before all else.
  virtual void Prepare() = 0;
  virtual Cost cost() const = 0;
  virtual Status Run() = 0;
  // What is wrong with the result of the last run, compared with plain code in float64; empty if nothing is.
  virtual std::string Wrong() const = 0;

 protected:
  Case(std::string name, bool simd) : name_(std::move(name)), simd_(simd) {}

 private:
  std::string name_;
  bool simd_;
};

using Cases = std::vector<std::unique_ptr<Case>>;

void AddSimilarityCases(Inputs& inputs, Cases& cases);
void AddPairCases(Inputs& inputs, Cases& cases);
void AddRecommendCases(Inputs& inputs, Cases& cases);
void AddFactorCases(Inputs& inputs, Cases& cases);
void AddDensityCases(Inputs& inputs, Cases& cases);
void AddOfferCases(Inputs& inputs, Cases& cases);
void AddOtherCases(Inputs& inputs, Cases& cases);

// All of them; `inputs` must outlive them.
inline Cases MakeCases(Inputs& inputs) {
  Cases cases;
  AddSimilarityCases(inputs, cases);
  AddPairCases(inputs, cases);
  AddRecommendCases(inputs, cases);
  AddFactorCases(inputs, cases);
  AddDensityCases(inputs, cases);
  AddOfferCases(inputs, cases);
  AddOtherCases(inputs, cases);
  return cases;
}

}  // namespace couponcast::bench

#endif  // COUPONCAST_BENCH_NATIVE_CASE_H_

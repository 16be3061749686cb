// K-means and the digest.
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <span>
#include <utility>

#include "bench/native/case.h"
#include "bench/native/plain.h"
#include "bench/native/random.h"
#include "couponcast/kmeans.h"
#include "couponcast/tensor_file.h"

namespace couponcast::bench {
namespace {

class KmeansCase : public Case {
 public:
  explicit KmeansCase(Inputs& inputs) : Case("KmeansAssign", true), rows_(inputs.sizes().points) {}

  void Prepare() override {
    Random random(13);
    points_.resize(static_cast<size_t>(rows_ * kDims));
    for (float& number : points_) number = static_cast<float>(random.Normal());
    centroids_.resize(static_cast<size_t>(kCentroids * kDims));
    for (float& number : centroids_) number = static_cast<float>(random.Normal());
    labels_.resize(static_cast<size_t>(rows_));
    distances_.resize(static_cast<size_t>(rows_));
    sums_.resize(static_cast<size_t>(kCentroids * kDims));
    counts_.resize(static_cast<size_t>(kCentroids));
    weights_.resize(static_cast<size_t>(kCentroids));
    partial_ = {sums_, weights_, counts_, 0};
  }
  Cost cost() const override {
    const double flops = 3.0 * static_cast<double>(rows_ * kCentroids * kDims);
    return {.work = flops,
            .unit = "flops",
            .flops = flops,
            .read_bytes = static_cast<double>(points_.size() * 4),
            .read_set_bytes = static_cast<int64_t>(points_.size()) * 4};
  }
  Status Run() override { return KmeansAssign(points_, kDims, {}, centroids_, {0, rows_}, {}, labels_, distances_, &partial_); }
  std::string Wrong() const override {
    double inertia = 0;
    std::vector<int64_t> counts(static_cast<size_t>(kCentroids), 0);
    for (int64_t row = 0; row < rows_; ++row) {
      double nearest = std::numeric_limits<double>::infinity();
      for (int64_t c = 0; c < kCentroids; ++c) nearest = std::min(nearest, Distance(row, c));
      const int32_t label = labels_[static_cast<size_t>(row)];
      if (label < 0 || label >= kCentroids || !Near(Distance(row, label), nearest) ||
          !Near(distances_[static_cast<size_t>(row)], nearest)) {
        return "point " + std::to_string(row) + " has another nearest centroid";
      }
      inertia += nearest;
      ++counts[static_cast<size_t>(label)];
    }
    if (!Near(partial_.inertia, inertia) || counts != counts_) return "the sums over all points differ";
    return "";
  }

 private:
  static constexpr int64_t kDims = 16;
  static constexpr int64_t kCentroids = 32;

  double Distance(int64_t row, int64_t centroid) const {
    double sum = 0;
    for (int64_t dim = 0; dim < kDims; ++dim) {
      const double difference = static_cast<double>(points_[static_cast<size_t>(row * kDims + dim)]) -
                                static_cast<double>(centroids_[static_cast<size_t>(centroid * kDims + dim)]);
      sum += difference * difference;
    }
    return sum;
  }

  int64_t rows_;
  std::vector<float> points_;
  std::vector<float> centroids_;
  std::vector<int32_t> labels_;
  std::vector<float> distances_;
  std::vector<double> sums_;
  std::vector<double> weights_;
  std::vector<int64_t> counts_;
  KmeansPartial partial_;
};

// XXH3-64 over a tensor file in memory.
class DigestCase : public Case {
 public:
  explicit DigestCase(Inputs& inputs) : Case("VerifyDigest", false), bytes_(inputs.sizes().digest_bytes) {}

  void Prepare() override {
    const std::string path = (std::filesystem::temp_directory_path() / ("couponcast-bench-" + std::to_string(getpid()))).string();
    made_ = Write(path);
    if (made_.ok()) {
      std::ifstream stream(path, std::ios::binary);
      const auto size = static_cast<size_t>(std::filesystem::file_size(path));
      file_.resize((size + 7) / 8);
      stream.read(reinterpret_cast<char*>(file_.data()), static_cast<std::streamsize>(size));
      made_ = Parse(size);
    }
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
  }
  Cost cost() const override {
    return {.work = static_cast<double>(bytes_), .unit = "bytes", .read_bytes = static_cast<double>(bytes_), .read_set_bytes = bytes_};
  }
  Status Run() override {
    COUPONCAST_RETURN_IF_ERROR(made_);
    return tensors_.VerifyDigest();
  }
  // That a run is OK says that the digest is right; one flipped bit must say otherwise.
  std::string Wrong() const override {
    auto& word = const_cast<uint64_t&>(file_[file_.size() / 2]);
    word ^= 1;
    const bool found = !tensors_.VerifyDigest().ok();
    word ^= 1;
    return found ? "" : "a flipped bit went unnoticed";
  }

 private:
  Status Write(const std::string& path) const {
    auto writer = TensorFileWriter::Create(path, {{"noise", Dtype::kI64, {bytes_ / 8}}}, {});
    if (!writer.ok()) return writer.status();
    Random random(14);
    std::vector<int64_t> noise(static_cast<size_t>(bytes_ / 8));
    for (int64_t& word : noise) word = static_cast<int64_t>(random.Bits());
    COUPONCAST_RETURN_IF_ERROR(writer.value()->WriteAll<int64_t>("noise", noise));
    return writer.value()->Commit();
  }
  Status Parse(size_t size) {
    Result<TensorFile> parsed = TensorFile::Parse(std::as_bytes(std::span(file_)).first(size), "digest");
    if (!parsed.ok()) return parsed.status();
    tensors_ = std::move(parsed.value());
    return {};
  }

  int64_t bytes_;
  std::vector<uint64_t> file_;
  TensorFile tensors_;
  Status made_;
};

}  // namespace

void AddOtherCases(Inputs& inputs, Cases& cases) {
  cases.push_back(std::make_unique<KmeansCase>(inputs));
  cases.push_back(std::make_unique<DigestCase>(inputs));
}

}  // namespace couponcast::bench

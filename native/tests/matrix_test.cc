#include "couponcast/matrix.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "couponcast/release_cells.h"
#include "couponcast/similarity.h"
#include "fuzz/seeds.h"
#include "tests/matrix_file_for_test.h"
#include "tests/neighbours_for_test.h"
#include "tests/threads_for_test.h"

namespace couponcast {
namespace {

using testing::AlignedBytes;
using testing::MatrixKinds;
using testing::OnThreads;
using testing::RandomMatrix;
using testing::ReadFile;
using testing::TempFolder;
using testing::TestMatrix;
using testing::WriteFile;
using testing::WriteMatrix;

TEST(CheckCsr, FindsEachDefect) {
  struct Owned {
    int64_t rows = 3;
    int64_t cols = 4;
    std::vector<int64_t> indptr = {0, 2, 2, 4};
    std::vector<int32_t> indices = {0, 3, 1, 2};
    std::vector<float> values = {1, 2, 3, 4};
  };
  const auto check = [](auto&& change) {
    Owned owned;
    change(owned);
    return CheckCsr({owned.rows, owned.cols, owned.indptr, owned.indices, owned.values}, "csr");
  };
  EXPECT_OK(check([](Owned&) {}));
  EXPECT_CODE(StatusCode::kCorruptFile, check([](Owned& o) { o.indptr[1] = 5; }));
  EXPECT_CODE(StatusCode::kCorruptFile, check([](Owned& o) { o.indptr[1] = -1; }));
  EXPECT_CODE(StatusCode::kCorruptFile, check([](Owned& o) { o.indptr[2] = 1; }));
  EXPECT_CODE(StatusCode::kCorruptFile, check([](Owned& o) { o.indptr[0] = 1; }));
  EXPECT_CODE(StatusCode::kCorruptFile, check([](Owned& o) { o.indptr[3] = 3; }));
  EXPECT_CODE(StatusCode::kCorruptFile, check([](Owned& o) { o.indptr[1] = std::numeric_limits<int64_t>::max(); }));
  EXPECT_CODE(StatusCode::kCorruptFile, check([](Owned& o) { o.indptr.pop_back(); }));
  EXPECT_CODE(StatusCode::kCorruptFile, check([](Owned& o) { o.indptr.clear(); }));
  EXPECT_CODE(StatusCode::kCorruptFile, check([](Owned& o) { o.indices[0] = -1; }));
  EXPECT_CODE(StatusCode::kCorruptFile, check([](Owned& o) { o.indices[1] = 4; }));
  EXPECT_CODE(StatusCode::kCorruptFile, check([](Owned& o) { o.indices[1] = 0; }));
  EXPECT_CODE(StatusCode::kCorruptFile, check([](Owned& o) { o.indices[2] = 3; }));
  EXPECT_CODE(StatusCode::kCorruptFile, check([](Owned& o) { o.values[1] = std::numeric_limits<float>::quiet_NaN(); }));
  EXPECT_CODE(StatusCode::kCorruptFile, check([](Owned& o) { o.values[1] = -std::numeric_limits<float>::infinity(); }));
  EXPECT_CODE(StatusCode::kCorruptFile, check([](Owned& o) { o.values.pop_back(); }));
  EXPECT_CODE(StatusCode::kCorruptFile, check([](Owned& o) { o.rows = -1; }));
  EXPECT_CODE(StatusCode::kCorruptFile, check([](Owned& o) { o.cols = -1; }));
}

TEST(ReleaseCells, WhatIsReleasedIsReadAgain) {
  const TempFolder folder;
  const TestMatrix matrix = RandomMatrix({700, 300, 0.2}, 3);
  ASSERT_OK(WriteMatrix(folder.File("m"), matrix, 1000));
  const BehaviourMatrix open = std::move(BehaviourMatrix::Open(folder.File("m")).value());
  for (const RowRange range : {RowRange{0, 0}, RowRange{0, 700}, RowRange{33, 34}, RowRange{200, 650}, RowRange{700, 700}}) {
    ReleaseCells(open.by_user(), range, *open.file().mapped());
    EXPECT_TRUE(std::ranges::equal(open.by_user().indices, matrix.by_user().indices));
    EXPECT_TRUE(std::ranges::equal(open.by_user().values, matrix.by_user().values));
  }
}

TEST(IdView, FindsEveryIdAndNothingElse) {
  const std::vector<std::string> ids = {"", "a", "a!", "ab", "b", "zz", "é", "ü~"};
  std::vector<int64_t> offsets = {0};
  std::string bytes;
  for (const std::string& id : ids) {
    bytes += id;
    offsets.push_back(static_cast<int64_t>(bytes.size()));
  }
  const IdView view{offsets, {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}};
  ASSERT_EQ(view.size(), 8);
  for (size_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ(view.At(static_cast<int64_t>(i)), ids[i]);
    EXPECT_EQ(view.Find(ids[i]), static_cast<int64_t>(i));
  }
  for (const char* absent : {"A", "aa", "abc", "z", "zzz", "\xff", "ü", "ü~~"}) EXPECT_EQ(view.Find(absent), -1) << absent;
  const std::vector<int64_t> none = {0};
  EXPECT_EQ((IdView{none, {}}.Find("a")), -1);
}

TEST(IdView, DamagedOffsetsGiveEmptyIds) {
  const std::vector<uint8_t> bytes = {'a', 'b', 'c'};
  const std::vector<int64_t> offsets = {0, 9, -4, 2, 1, 3};
  const IdView view{offsets, bytes};
  EXPECT_EQ(view.At(0), "");
  EXPECT_EQ(view.At(1), "");
  EXPECT_EQ(view.At(2), "");
  EXPECT_EQ(view.At(3), "");
  EXPECT_EQ(view.At(4), "bc");
  EXPECT_EQ(view.Find("zz"), -1);
}

TEST(BehaviourMatrix, OpensWhatTheWriterWrote) {
  const TempFolder folder;
  uint64_t seed = 900;
  for (const auto& kind : MatrixKinds()) {
    const TestMatrix matrix = RandomMatrix(kind, ++seed);
    const std::string path = folder.File("m" + std::to_string(seed));
    ASSERT_OK(WriteMatrix(path, matrix, 1000, {{"source", "test"}}));
    const auto opened = BehaviourMatrix::Open(path);
    ASSERT_OK(opened.status());
    EXPECT_OK(opened.value().EnsureValid());
    EXPECT_OK(opened.value().Verify());
    EXPECT_EQ(opened.value().file().metadata().at("source"), "test");
    for (const auto& [actual, expected] :
         {std::pair(opened.value().by_user(), matrix.by_user()), std::pair(opened.value().by_item(), matrix.by_item())}) {
      EXPECT_EQ(actual.rows, expected.rows);
      EXPECT_EQ(actual.cols, expected.cols);
      EXPECT_TRUE(std::ranges::equal(actual.indptr, expected.indptr));
      EXPECT_TRUE(std::ranges::equal(actual.indices, expected.indices));
      EXPECT_TRUE(std::ranges::equal(actual.values, expected.values));
    }
    const auto ids = testing::Ids("u", matrix.rows());
    for (size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(opened.value().users().Find(ids[i]), static_cast<int64_t>(i));
  }
}

// What a reader does with a file that passed the cheap checks: nothing of it may crash.
Status Use(const BehaviourMatrix& matrix) {
  for (const IdView& ids : {matrix.users(), matrix.items()}) {
    for (int64_t i = 0; i < ids.size(); ++i) static_cast<void>(ids.Find(ids.At(i)));
    static_cast<void>(ids.Find("u000001"));
  }
  COUPONCAST_RETURN_IF_ERROR(matrix.EnsureValid());
  const CsrView& users = matrix.by_user();
  testing::OwnedLists lists(users.rows, 3);
  const testing::OwnedWeights weights(users, matrix.by_item(), {});
  EXPECT_OK(SimilarRows(users, matrix.by_item(), weights.view(), {0, users.rows}, 3, false, {}, lists.indices, lists.scores, lists.counts));
  return matrix.Verify();
}

TEST(BehaviourMatrix, AChangedByteIsFound) {
  const TempFolder folder;
  ASSERT_OK(WriteMatrix(folder.File("m"), RandomMatrix({5, 4, 0.5, false, false}, 3), 100));
  const std::string good = ReadFile(folder.File("m"));
  int reached_verify = 0;
  for (size_t position = 0; position < good.size(); ++position) {
    for (int change = 0; change < 11; ++change) {
      std::string content = good;
      content[position] = change < 8 ? static_cast<char>(content[position] ^ (1 << change)) : "\0\xff "[change - 8];
      if (content == good) continue;
      const AlignedBytes bytes(content);
      auto file = TensorFile::Parse(bytes.bytes(), "test");
      Status status = file.status();
      if (file.ok()) {
        const auto matrix = BehaviourMatrix::FromFile(std::move(file.value()));
        status = matrix.status();
        if (matrix.ok()) {
          ++reached_verify;
          status = Use(matrix.value());
        }
      }
      EXPECT_TRUE(status.code() == StatusCode::kCorruptFile || status.code() == StatusCode::kVersionMismatch) << position << " " << change;
    }
  }
  EXPECT_GT(reached_verify, 1000);
}

TEST(BehaviourMatrix, EveryTruncationIsFound) {
  const TempFolder folder;
  ASSERT_OK(WriteMatrix(folder.File("m"), RandomMatrix({5, 4, 0.5, false, false}, 3), 100));
  const std::string good = ReadFile(folder.File("m"));
  for (size_t size = 0; size < good.size(); ++size) {
    WriteFile(folder.File("short" + std::to_string(size)), good.substr(0, size));
    EXPECT_CODE(StatusCode::kCorruptFile, BehaviourMatrix::Open(folder.File("short" + std::to_string(size))).status());
  }
}

// Tensors that are each fine but do not fit each other; digests are right, as a program that writes such files would do.
TEST(BehaviourMatrix, InconsistentTensorsAreFound) {
  struct Owned {
    std::vector<int64_t> csr_indptr = {0, 2, 3};
    std::vector<int32_t> csr_indices = {0, 2, 1};
    std::vector<float> csr_values = {1, 2, 3};
    std::vector<int64_t> csc_indptr = {0, 1, 2, 3};
    std::vector<int32_t> csc_indices = {0, 1, 0};
    std::vector<float> csc_values = {1, 3, 2};
    std::vector<int64_t> user_offsets = {0, 1, 2};
    std::vector<uint8_t> user_bytes = {'a', 'b'};
    std::vector<int64_t> item_offsets = {0, 1, 2, 3};
    std::vector<uint8_t> item_bytes = {'x', 'y', 'z'};
    std::string without;
  };
  const TempFolder folder;
  int files = 0;
  const auto open = [&](auto&& change, bool expect_open) {
    Owned o;
    change(o);
    const auto size = [](const auto& values) { return std::vector<int64_t>{static_cast<int64_t>(values.size())}; };
    std::vector<TensorSpec> specs = {
        {"csr.indptr", Dtype::kI64, size(o.csr_indptr)},      {"csr.indices", Dtype::kI32, size(o.csr_indices)},
        {"csr.values", Dtype::kF32, size(o.csr_values)},      {"csc.indptr", Dtype::kI64, size(o.csc_indptr)},
        {"csc.indices", Dtype::kI32, size(o.csc_indices)},    {"csc.values", Dtype::kF32, size(o.csc_values)},
        {"users.offsets", Dtype::kI64, size(o.user_offsets)}, {"users.bytes", Dtype::kU8, size(o.user_bytes)},
        {"items.offsets", Dtype::kI64, size(o.item_offsets)}, {"items.bytes", Dtype::kU8, size(o.item_bytes)}};
    std::erase_if(specs, [&](const TensorSpec& spec) { return spec.name == o.without; });
    const std::string path = folder.File(std::to_string(++files));
    auto writer = TensorFileWriter::Create(path, specs, {});
    const auto put = [&](const std::string& name, const auto& values) {
      if (name == o.without) return;
      EXPECT_OK(writer.value()->Write(name, 0, std::as_bytes(std::span(values))));
    };
    put("csr.indptr", o.csr_indptr);
    put("csr.indices", o.csr_indices);
    put("csr.values", o.csr_values);
    put("csc.indptr", o.csc_indptr);
    put("csc.indices", o.csc_indices);
    put("csc.values", o.csc_values);
    put("users.offsets", o.user_offsets);
    put("users.bytes", o.user_bytes);
    put("items.offsets", o.item_offsets);
    put("items.bytes", o.item_bytes);
    EXPECT_OK(writer.value()->Commit());
    const auto matrix = BehaviourMatrix::Open(path);
    EXPECT_EQ(matrix.ok(), expect_open);
    return matrix.ok() ? Use(matrix.value()) : matrix.status();
  };
  EXPECT_OK(open([](Owned&) {}, true));
  for (const TensorSpec& spec : MatrixTensors(1, 1, 1, 1, 1))
    EXPECT_CODE(StatusCode::kCorruptFile, open([&](Owned& o) { o.without = spec.name; }, false));
  EXPECT_CODE(StatusCode::kCorruptFile, open([](Owned& o) { o.csr_indptr.pop_back(); }, false));
  EXPECT_CODE(StatusCode::kCorruptFile, open([](Owned& o) { o.csr_indptr[0] = 1; }, false));
  EXPECT_CODE(StatusCode::kCorruptFile, open([](Owned& o) { o.csr_indptr[2] = 2; }, false));
  EXPECT_CODE(StatusCode::kCorruptFile, open([](Owned& o) { o.csr_values.pop_back(); }, false));
  EXPECT_CODE(StatusCode::kCorruptFile, open([](Owned& o) { o.csc_indices.pop_back(); }, false));
  EXPECT_CODE(StatusCode::kCorruptFile, open([](Owned& o) { o.csc_indptr.push_back(3); }, false));
  EXPECT_CODE(StatusCode::kCorruptFile, open([](Owned& o) { o.user_offsets[0] = 1; }, false));
  EXPECT_CODE(StatusCode::kCorruptFile, open([](Owned& o) { o.user_offsets[2] = 3; }, false));
  EXPECT_CODE(StatusCode::kCorruptFile, open([](Owned& o) { o.item_offsets.clear(); }, false));
  EXPECT_CODE(StatusCode::kCorruptFile, open([](Owned& o) { o.csr_indptr[1] = 7; }, true));
  EXPECT_CODE(StatusCode::kCorruptFile, open([](Owned& o) { o.csr_indices[1] = 3; }, true));
  EXPECT_CODE(StatusCode::kCorruptFile, open([](Owned& o) { o.csc_indices[0] = 2; }, true));
  EXPECT_CODE(StatusCode::kCorruptFile, open([](Owned& o) { o.csc_values[0] = std::numeric_limits<float>::infinity(); }, true));
  EXPECT_CODE(StatusCode::kCorruptFile, open([](Owned& o) { o.csc_values[0] = 7; }, true));   // no transpose: value
  EXPECT_CODE(StatusCode::kCorruptFile, open([](Owned& o) { o.csc_indices[0] = 1; }, true));  // no transpose: place
  EXPECT_CODE(StatusCode::kCorruptFile, open([](Owned& o) { o.csc_indptr = {0, 2, 2, 3}; }, true));
  EXPECT_CODE(StatusCode::kCorruptFile, open([](Owned& o) { o.user_bytes = {'b', 'a'}; }, true));
  EXPECT_CODE(StatusCode::kCorruptFile, open([](Owned& o) { o.user_bytes = {'a', 'a'}; }, true));
  EXPECT_CODE(StatusCode::kCorruptFile, open([](Owned& o) { o.item_offsets[1] = 99; }, true));
  EXPECT_CODE(StatusCode::kCorruptFile, open([](Owned& o) { o.item_offsets[1] = -1; }, true));
}

TEST(BehaviourMatrix, ThreadsOpenAndCheckOneFile) {
  const TempFolder folder;
  ASSERT_OK(WriteMatrix(folder.File("m"), RandomMatrix({50, 40, 0.3, false, false}, 3), 100));
  const size_t before = MappedFile::LiveCount();
  OnThreads(8, [&](int64_t) {
    for (int i = 0; i < 20; ++i) {
      const auto matrix = BehaviourMatrix::Open(folder.File("m"));
      ASSERT_OK(matrix.status());
      EXPECT_OK(matrix.value().EnsureValid());
      EXPECT_OK(matrix.value().Verify());
      EXPECT_EQ(matrix.value().users().Find("u000003"), 3);
    }
  });
  EXPECT_EQ(MappedFile::LiveCount(), before);
}

// The fuzzers' seeds: names say what must come out. The fuzzers themselves are built apart; this runs with every test.
TEST(BehaviourMatrix, FuzzSeeds) {
  const TempFolder written;
  ASSERT_TRUE(fuzz::WriteSeeds(written.File(".")));
  size_t seeds = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(COUPONCAST_SOURCE_DIR) + "/native/fuzz/corpus")) {
    ++seeds;
    const AlignedBytes bytes(ReadFile(entry.path().string()));
    EXPECT_EQ(ReadFile(entry.path().string()), ReadFile(written.File(entry.path().filename().string())))
        << entry.path() << " is not what make_corpus writes";
    auto file = TensorFile::Parse(bytes.bytes(), "test");
    Status status = file.status();
    if (file.ok()) {
      const auto matrix = BehaviourMatrix::FromFile(std::move(file.value()));
      status = matrix.ok() ? Use(matrix.value()) : matrix.status();
    }
    EXPECT_EQ(status.ok(), entry.path().filename().string().starts_with("valid")) << entry.path() << status.message();
  }
  EXPECT_EQ(seeds, written.Names().size());
  EXPECT_GE(seeds, 10U);
}

}  // namespace
}  // namespace couponcast

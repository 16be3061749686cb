#include "couponcast/matrix_writer.h"

#include <gtest/gtest.h>

#include <limits>

#include "couponcast/matrix.h"
#include "tests/matrix_file_for_test.h"

namespace couponcast {
namespace {

using testing::RandomMatrix;
using testing::ReadFile;
using testing::TempFolder;
using testing::TestMatrix;
using testing::WriteMatrix;
using Axis = MatrixWriter::Axis;

// A writer of 2 users, 3 items and 3 cells.
class SmallWriter {
 public:
  SmallWriter() : writer_(std::move(MatrixWriter::Create(folder_.File("m"), {2, 3, 3, 2, 6}, {}).value())) {}

  Status Users(const std::vector<std::string_view>& ids) { return writer_->AppendIds(Axis::kUsers, ids); }
  Status Items(const std::vector<std::string_view>& ids) { return writer_->AppendIds(Axis::kItems, ids); }
  Status Cells(const std::vector<int32_t>& rows, const std::vector<int32_t>& cols, const std::vector<float>& values) {
    return writer_->AppendCells(rows, cols, values);
  }
  Status Commit() { return writer_->Commit(); }
  Status Fill() {
    COUPONCAST_RETURN_IF_ERROR(Users({"a", "b"}));
    COUPONCAST_RETURN_IF_ERROR(Items({"x1", "x2", "x3"}));
    return Cells({0, 0, 1}, {0, 2, 1}, {1, 2, 3});
  }
  MatrixWriter& writer() { return *writer_; }
  const TempFolder& folder() const { return folder_; }

 private:
  TempFolder folder_;
  std::unique_ptr<MatrixWriter> writer_;
};

TEST(MatrixWriter, BatchesOfAnySizeGiveTheSameBytes) {
  const TempFolder folder;
  const TestMatrix matrix = RandomMatrix({40, 30, 0.3, true, false}, 1);
  ASSERT_OK(WriteMatrix(folder.File("whole"), matrix, 100000));
  const std::string whole = ReadFile(folder.File("whole"));
  for (const size_t batch : {1, 2, 7, 64}) {
    ASSERT_OK(WriteMatrix(folder.File("parts"), matrix, batch));
    EXPECT_EQ(ReadFile(folder.File("parts")), whole) << batch;
  }
}

TEST(MatrixWriter, WritesEmptyMatrices) {
  const TempFolder folder;
  for (const auto& [rows, cols] : {std::pair(0, 0), std::pair(0, 5), std::pair(5, 0), std::pair(3, 4)}) {
    const TestMatrix matrix(testing::Dense(static_cast<size_t>(rows), std::vector<float>(static_cast<size_t>(cols), 0.0F)), cols);
    ASSERT_OK(WriteMatrix(folder.File("m"), matrix, 10));
    const auto opened = BehaviourMatrix::Open(folder.File("m"));
    ASSERT_OK(opened.status());
    EXPECT_OK(opened.value().Verify());
    EXPECT_EQ(opened.value().by_user().rows, rows);
    EXPECT_EQ(opened.value().by_item().rows, cols);
    EXPECT_EQ(opened.value().by_user().nnz(), 0);
  }
}

TEST(MatrixWriter, CommitsWhatWasAnnounced) {
  SmallWriter small;
  ASSERT_OK(small.Fill());
  ASSERT_OK(small.Commit());
  EXPECT_EQ(small.folder().Names(), std::vector<std::string>({"m"}));
  EXPECT_CODE(StatusCode::kClosed, small.Commit());
  const auto opened = BehaviourMatrix::Open(small.folder().File("m"));
  ASSERT_OK(opened.status());
  EXPECT_OK(opened.value().Verify());
}

TEST(MatrixWriter, AbortLeavesNothing) {
  SmallWriter small;
  ASSERT_OK(small.Fill());
  small.writer().Abort();
  EXPECT_TRUE(small.folder().Names().empty());
  EXPECT_CODE(StatusCode::kClosed, small.Commit());
}

TEST(MatrixWriter, RefusesCellsOutOfOrderOrRange) {
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInf = std::numeric_limits<float>::infinity();
  const auto cells = [](const std::vector<int32_t>& rows, const std::vector<int32_t>& cols, const std::vector<float>& values) {
    SmallWriter small;
    return small.Cells(rows, cols, values);
  };
  EXPECT_OK(cells({0, 1, 1}, {2, 0, 1}, {1, 2, 3}));
  EXPECT_CODE(StatusCode::kInvalidArgument, cells({0, 0}, {1, 1}, {1, 1}));
  EXPECT_CODE(StatusCode::kInvalidArgument, cells({0, 0}, {1, 0}, {1, 1}));
  EXPECT_CODE(StatusCode::kInvalidArgument, cells({1, 0}, {0, 1}, {1, 1}));
  EXPECT_CODE(StatusCode::kInvalidArgument, cells({0}, {0}, {kNaN}));
  EXPECT_CODE(StatusCode::kInvalidArgument, cells({0}, {0}, {kInf}));
  EXPECT_CODE(StatusCode::kInvalidArgument, cells({0, 1}, {0}, {1}));
  EXPECT_CODE(StatusCode::kInvalidArgument, cells({0}, {0}, {1, 2}));
  EXPECT_CODE(StatusCode::kOutOfRange, cells({2}, {0}, {1}));
  EXPECT_CODE(StatusCode::kOutOfRange, cells({-1}, {0}, {1}));
  EXPECT_CODE(StatusCode::kOutOfRange, cells({0}, {3}, {1}));
  EXPECT_CODE(StatusCode::kOutOfRange, cells({0}, {-1}, {1}));
  EXPECT_CODE(StatusCode::kOutOfRange, cells({0, 0, 0, 1}, {0, 1, 2, 0}, {1, 1, 1, 1}));
  SmallWriter across;
  EXPECT_OK(across.Cells({1}, {1}, {1}));
  EXPECT_CODE(StatusCode::kInvalidArgument, across.Cells({1}, {1}, {1}));  // order holds across batches
}

TEST(MatrixWriter, RefusesIdsOutOfOrderOrNumber) {
  const auto users = [](const std::vector<std::string_view>& ids) {
    SmallWriter small;
    return small.Users(ids);
  };
  EXPECT_OK(users({"a", "b"}));
  EXPECT_OK(users({"", "ab"}));
  EXPECT_CODE(StatusCode::kInvalidArgument, users({"b", "a"}));
  EXPECT_CODE(StatusCode::kInvalidArgument, users({"a", "a"}));
  EXPECT_CODE(StatusCode::kInvalidArgument, users({"", ""}));
  EXPECT_CODE(StatusCode::kOutOfRange, users({"a", "b", "c"}));
  EXPECT_CODE(StatusCode::kOutOfRange, users({"a", "bb"}));  // more bytes than announced
  SmallWriter across;
  EXPECT_OK(across.Users({"b"}));
  EXPECT_CODE(StatusCode::kInvalidArgument, across.Users({"a"}));
}

TEST(MatrixWriter, RefusesToCommitLessThanAnnounced) {
  SmallWriter no_users;
  EXPECT_OK(no_users.Items({"x1", "x2", "x3"}));
  EXPECT_OK(no_users.Cells({0, 0, 1}, {0, 2, 1}, {1, 2, 3}));
  EXPECT_CODE(StatusCode::kInvalidArgument, no_users.Commit());
  SmallWriter few_bytes;
  EXPECT_OK(few_bytes.Users({"", "a"}));
  EXPECT_OK(few_bytes.Items({"x1", "x2", "x3"}));
  EXPECT_OK(few_bytes.Cells({0, 0, 1}, {0, 2, 1}, {1, 2, 3}));
  EXPECT_CODE(StatusCode::kInvalidArgument, few_bytes.Commit());
  SmallWriter few_cells;
  EXPECT_OK(few_cells.Users({"a", "b"}));
  EXPECT_OK(few_cells.Items({"x1", "x2", "x3"}));
  EXPECT_OK(few_cells.Cells({0, 0}, {0, 2}, {1, 2}));
  EXPECT_CODE(StatusCode::kInvalidArgument, few_cells.Commit());
}

TEST(MatrixWriter, AfterAnErrorNothingMoreIsTaken) {
  // A caller that ignores an error must not end up with a file that holds half of a batch.
  SmallWriter cells;
  EXPECT_OK(cells.Users({"a", "b"}));
  EXPECT_OK(cells.Items({"x1", "x2", "x3"}));
  EXPECT_CODE(StatusCode::kInvalidArgument, cells.Cells({0, 0, 0}, {0, 1, 1}, {1, 1, 1}));
  EXPECT_CODE(StatusCode::kInvalidArgument, cells.Cells({0, 0, 1}, {0, 2, 1}, {1, 2, 3}));
  EXPECT_CODE(StatusCode::kInvalidArgument, cells.Commit());
  SmallWriter ids;
  EXPECT_CODE(StatusCode::kInvalidArgument, ids.Users({"a", "a"}));
  EXPECT_CODE(StatusCode::kInvalidArgument, ids.Users({"b"}));
  EXPECT_CODE(StatusCode::kInvalidArgument, ids.Commit());
}

TEST(MatrixWriter, RefusesShapesThatCannotBe) {
  const TempFolder folder;
  const auto create = [&](const MatrixShape& shape) { return MatrixWriter::Create(folder.File("m"), shape, {}).status(); };
  EXPECT_CODE(StatusCode::kInvalidArgument, create({-1, 1, 1, 1, 1}));
  EXPECT_CODE(StatusCode::kInvalidArgument, create({1, -1, 1, 1, 1}));
  EXPECT_CODE(StatusCode::kInvalidArgument, create({1, 1, -1, 1, 1}));
  EXPECT_CODE(StatusCode::kInvalidArgument, create({1, 1, 1, -1, 1}));
  EXPECT_CODE(StatusCode::kInvalidArgument, create({1, 1, 1, 1, -1}));
  EXPECT_CODE(StatusCode::kInvalidArgument, create({int64_t{1} << 31, 1, 1, 1, 1}));
  EXPECT_CODE(StatusCode::kInvalidArgument, create({1, 1, std::numeric_limits<int64_t>::max(), 1, 1}));
  EXPECT_TRUE(folder.Names().empty());
}

}  // namespace
}  // namespace couponcast

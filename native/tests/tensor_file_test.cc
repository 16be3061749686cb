#include "couponcast/tensor_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <limits>

#include "tests/test_util.h"
#include "tests/threads_for_test.h"

namespace couponcast {
namespace {

using testing::AlignedBytes;
using testing::OnThreads;
using testing::ReadFile;
using testing::TempFolder;
using testing::WriteFile;

template <typename T>
std::span<const T> Const(const std::vector<T>& values) {
  return values;
}

// Five tensors, one of each type, listed narrowest first.
void WriteSample(const std::string& path) {
  auto writer = TensorFileWriter::Create(path,
                                         {{"bytes", Dtype::kU8, {5}},
                                          {"floats", Dtype::kF32, {3}},
                                          {"ints", Dtype::kI32, {2, 2}},
                                          {"doubles", Dtype::kF64, {2}},
                                          {"longs", Dtype::kI64, {1, 1, 3}},
                                          {"none", Dtype::kF64, {0, 7}}},
                                         {{"note", "größe \"5\""}});
  ASSERT_OK(writer.status());
  EXPECT_OK(writer.value()->WriteAll("bytes", Const(std::vector<uint8_t>{1, 2, 3, 4, 255})));
  EXPECT_OK(writer.value()->WriteAll("floats", Const(std::vector<float>{0.5F, -1, 3})));
  EXPECT_OK(writer.value()->WriteAll("ints", Const(std::vector<int32_t>{1, -2, 3, -4})));
  EXPECT_OK(writer.value()->WriteAll("doubles", Const(std::vector<double>{1e300, -0.25})));
  EXPECT_OK(writer.value()->WriteAll("longs", Const(std::vector<int64_t>{-1, std::numeric_limits<int64_t>::max(), 0})));
  ASSERT_OK(writer.value()->Commit());
}

TEST(TensorFile, RoundTrip) {
  const TempFolder folder;
  const std::string path = folder.File("sample");
  WriteSample(path);
  EXPECT_EQ(folder.Names(), std::vector<std::string>({"sample"}));
  const auto file = TensorFile::Open(path);
  ASSERT_OK(file.status());
  EXPECT_OK(file.value().VerifyDigest());
  EXPECT_EQ(file.value().tensors().size(), 6U);
  EXPECT_EQ(file.value().metadata().at("note"), "größe \"5\"");
  EXPECT_EQ(file.value().metadata().at("format"), kFormatName);
  EXPECT_EQ(file.value().metadata().at(std::string(kDigestKey)).size(), 16U);
  const auto values = [&]<typename T>(const std::string& name, T) {
    const auto got = file.value().Get<T>(name);
    EXPECT_OK(got.status());
    return std::vector<T>(got.value().begin(), got.value().end());
  };
  EXPECT_EQ(values("bytes", uint8_t{}), std::vector<uint8_t>({1, 2, 3, 4, 255}));
  EXPECT_EQ(values("floats", float{}), std::vector<float>({0.5F, -1, 3}));
  EXPECT_EQ(values("ints", int32_t{}), std::vector<int32_t>({1, -2, 3, -4}));
  EXPECT_EQ(values("doubles", double{}), std::vector<double>({1e300, -0.25}));
  EXPECT_EQ(values("longs", int64_t{}), std::vector<int64_t>({-1, std::numeric_limits<int64_t>::max(), 0}));
  EXPECT_TRUE(values("none", double{}).empty());
  EXPECT_EQ(file.value().tensors().at("ints").shape, std::vector<int64_t>({2, 2}));

  EXPECT_CODE(StatusCode::kCorruptFile, file.value().Get<float>("absent").status());
  EXPECT_CODE(StatusCode::kCorruptFile, file.value().Get<float>("ints").status());
  EXPECT_CODE(StatusCode::kCorruptFile, file.value().Get<float>("floats", 4).status());
  EXPECT_OK(file.value().Get<float>("floats", 3).status());
}

TEST(TensorFile, IsASafetensorsFile) {
  const TempFolder folder;
  WriteSample(folder.File("sample"));
  const std::string bytes = ReadFile(folder.File("sample"));
  uint64_t header = 0;
  std::memcpy(&header, bytes.data(), 8);
  EXPECT_EQ(header % 8, 0U);
  EXPECT_EQ(bytes[8], '{');
  // Data: 3 int64, 2 double, 0 double, 3 float, 4 int32, 5 bytes.
  EXPECT_EQ(bytes.size(), 8 + header + 24 + 16 + 12 + 16 + 5);
  EXPECT_NE(bytes.find(R"("__metadata__":{)"), std::string::npos);
  EXPECT_NE(bytes.find(R"("ints":{"dtype":"I32","shape":[2,2],"data_offsets":[)"), std::string::npos);
}

TEST(TensorFile, TheSameContentGivesTheSameBytes) {
  const TempFolder folder;
  WriteSample(folder.File("a"));
  WriteSample(folder.File("b"));
  EXPECT_EQ(ReadFile(folder.File("a")), ReadFile(folder.File("b")));
}

TEST(TensorFile, AChangedByteIsFound) {
  const TempFolder folder;
  WriteSample(folder.File("sample"));
  const std::string good = ReadFile(folder.File("sample"));
  int parsed = 0;
  const auto check = [&](const std::string& content, size_t position) {
    const AlignedBytes bytes(content);
    const auto file = TensorFile::Parse(bytes.bytes(), "test");
    if (!file.ok()) {
      EXPECT_TRUE(file.status().code() == StatusCode::kCorruptFile || file.status().code() == StatusCode::kVersionMismatch) << position;
      return;
    }
    ++parsed;
    EXPECT_CODE(StatusCode::kCorruptFile, file.value().VerifyDigest()) << position;
  };
  for (size_t position = 0; position < good.size(); ++position) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string content = good;
      content[position] = static_cast<char>(content[position] ^ (1 << bit));
      check(content, position);
    }
    for (const char replacement : {'\0', '\xff', ' ', '"', '\\', '{', '9'}) {
      std::string content = good;
      if (content[position] == replacement) continue;
      content[position] = replacement;
      check(content, position);
    }
  }
  EXPECT_GT(parsed, 500);  // flips in the data and in names pass the header's checks
}

TEST(TensorFile, ATruncatedOrExtendedFileIsFound) {
  const TempFolder folder;
  WriteSample(folder.File("sample"));
  const std::string good = ReadFile(folder.File("sample"));
  const std::string path = folder.File("short");
  for (size_t size = 0; size < good.size(); ++size) {
    WriteFile(path + std::to_string(size), good.substr(0, size));
    EXPECT_CODE(StatusCode::kCorruptFile, TensorFile::Open(path + std::to_string(size)).status()) << size;
  }
  for (size_t more = 1; more < 20; ++more) {
    const AlignedBytes bytes(good + std::string(more, '\0'));
    EXPECT_CODE(StatusCode::kCorruptFile, TensorFile::Parse(bytes.bytes(), "test").status());
  }
}

std::string Container(std::string header, size_t data_bytes) {
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const uint64_t size = header.size();
  std::string file(8, '\0');
  std::memcpy(file.data(), &size, 8);
  return file + header + std::string(data_bytes, '\0');
}

Status ParseHeader(const std::string& header, size_t data_bytes) {
  const AlignedBytes bytes(Container(header, data_bytes));
  return TensorFile::Parse(bytes.bytes(), "test").status();
}

constexpr const char* kMeta = R"("__metadata__":{"format":"couponcast","format_version":"1"})";

TEST(TensorFile, AcceptsWhatItShould) {
  EXPECT_OK(ParseHeader(std::string("{") + kMeta + "}", 0));
  EXPECT_OK(ParseHeader(std::string("{") + kMeta + R"(,"a":{"dtype":"I64","shape":[2],"data_offsets":[0,16]}})", 16));
  EXPECT_OK(ParseHeader(std::string("{") + kMeta + R"(,"a":{"dtype":"I64","shape":[],"data_offsets":[0,8]}})", 8));
  EXPECT_OK(
      ParseHeader(std::string("{") + kMeta +
                      R"(,"b":{"dtype":"U8","shape":[3],"data_offsets":[8,11]},"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}})",
                  11));
}

TEST(TensorFile, RefusesHostileHeaders) {
  const std::string meta = std::string("{") + kMeta;
  const std::vector<std::pair<std::string, size_t>> headers = {
      {"", 0},
      {"[]", 0},
      {"{", 0},
      {"7", 0},
      {"{}", 0},
      {"{} {}", 0},
      {std::string("{") + kMeta + "} x", 0},
      {R"({"__metadata__":[]})", 0},
      {R"({"__metadata__":{"format":7,"format_version":"1"}})", 0},
      {R"({"__metadata__":{"format":"other","format_version":"1"}})", 0},
      {R"({"__metadata__":{"format":"couponcast","format":"couponcast","format_version":"1"}})", 0},  // a key twice
      {meta + R"(,"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1},
      {meta + R"(,"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1},
      {meta + R"(,"a":7})", 0},
      {meta + R"(,"a":{}})", 0},
      {meta + R"(,"a":{"dtype":"U8","shape":[1]}})", 1},
      {meta + R"(,"a":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}})", 2},
      {meta + R"(,"a":{"dtype":3,"shape":[1],"data_offsets":[0,1]}})", 1},
      {meta + R"(,"a":{"dtype":"U8","shape":1,"data_offsets":[0,1]}})", 1},
      {meta + R"(,"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}})", 1},
      {meta + R"(,"a":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}})", 1},
      {meta + R"(,"a":{"dtype":"U8","shape":["1"],"data_offsets":[0,1]}})", 1},
      {meta + R"(,"a":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}})", 1},
      {meta + R"(,"a":{"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,1]}})", 1},
      {meta + R"(,"a":{"dtype":"U8","shape":[9223372036854775807,3],"data_offsets":[0,1]}})", 1},
      {meta + R"(,"a":{"dtype":"I64","shape":[2305843009213693952],"data_offsets":[0,0]}})", 0},  // 2^64 bytes
      {meta + R"(,"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 0},
      {meta + R"(,"a":{"dtype":"U8","shape":[1],"data_offsets":[0,2]}})", 2},
      {meta + R"(,"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", 1},
      {meta + R"(,"a":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}})", 1},
      {meta + R"(,"a":{"dtype":"U8","shape":[1],"data_offsets":[-1,0]}})", 1},
      {meta + R"(,"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}})", 1},
      {meta + R"(,"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,2]}})", 1},
      {meta + R"(,"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})", 2},  // a gap
      {meta + R"(,"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
       3},  // overlap
      {meta + R"(,"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"I32","shape":[1],"data_offsets":[1,5]}})",
       5},                                                                     // alignment
      {meta + R"(,"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 9},  // data behind the last
      {meta + R"(,"a":{"dtype":"U8","shape":[[1]],"data_offsets":[0,1]}})", 1},
      {meta + R"(,"a":{"dtype":{"x":{"y":[]}},"shape":[1],"data_offsets":[0,1]}})", 1},
      {std::string(100000, '['), 0},
      {std::string(50000, '[') + std::string(50000, ']'), 0},
      {"{\"\xff\xfe\":{}}", 0},
  };
  for (const auto& [header, data_bytes] : headers)
    EXPECT_CODE(StatusCode::kCorruptFile, ParseHeader(header, data_bytes)) << header.substr(0, 200);
  EXPECT_CODE(StatusCode::kVersionMismatch, ParseHeader(R"({"__metadata__":{"format":"couponcast","format_version":"2"}})", 0));
  EXPECT_CODE(StatusCode::kVersionMismatch, ParseHeader(R"({"__metadata__":{"format":"couponcast"}})", 0));

  std::string many = meta;
  for (int i = 0; i < 5000; ++i) many += R"(,"t)" + std::to_string(i) + R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  EXPECT_CODE(StatusCode::kCorruptFile, ParseHeader(many + "}", 0));
}

TEST(TensorFile, RefusesLengthsThatDoNotFit) {
  for (const uint64_t length : {UINT64_C(9), UINT64_C(1) << 40, UINT64_MAX, UINT64_MAX - 7, UINT64_C(1) << 63}) {
    std::string file(16, ' ');
    std::memcpy(file.data(), &length, 8);
    const AlignedBytes bytes(file);
    EXPECT_CODE(StatusCode::kCorruptFile, TensorFile::Parse(bytes.bytes(), "test").status());
  }
}

TEST(TensorFile, ADigestThatIsMissingOrForeignDoesNotPass) {
  const auto verify = [](const std::string& metadata) {
    const AlignedBytes bytes(Container(R"({"__metadata__":{"format":"couponcast","format_version":"1")" + metadata + "}}", 0));
    const auto file = TensorFile::Parse(bytes.bytes(), "test");
    EXPECT_OK(file.status());
    return file.value().VerifyDigest();
  };
  EXPECT_CODE(StatusCode::kCorruptFile, verify(""));
  EXPECT_CODE(StatusCode::kCorruptFile, verify(R"(,"digest":"")"));
  EXPECT_CODE(StatusCode::kCorruptFile, verify(R"(,"digest":"0000000000000000")"));
  EXPECT_CODE(StatusCode::kCorruptFile, verify(R"(,"digest" : "0000000000000000")"));
  EXPECT_CODE(StatusCode::kCorruptFile, verify(R"(,"digest":"\u0030000000000000000")"));
}

TEST(Dtype, NamesAndSizes) {
  for (const auto& [dtype, name, bytes] :
       {std::tuple(Dtype::kI64, "I64", 8), std::tuple(Dtype::kF64, "F64", 8), std::tuple(Dtype::kI32, "I32", 4),
        std::tuple(Dtype::kF32, "F32", 4), std::tuple(Dtype::kU8, "U8", 1)}) {
    EXPECT_STREQ(DtypeName(dtype), name);
    EXPECT_EQ(DtypeBytes(dtype), bytes);
    EXPECT_EQ(ParseDtype(name).value(), dtype);
  }
  EXPECT_CODE(StatusCode::kInvalidArgument, ParseDtype("i64").status());
  EXPECT_CODE(StatusCode::kInvalidArgument, ParseDtype("").status());
}

TEST(TensorFileWriter, AbortAndDestructionLeaveNothing) {
  const TempFolder folder;
  WriteFile(folder.File("target"), "before");
  {
    auto writer = TensorFileWriter::Create(folder.File("target"), {{"a", Dtype::kU8, {4}}}, {});
    ASSERT_OK(writer.status());
    EXPECT_EQ(folder.Names().size(), 2U);
    writer.value()->Abort();
    EXPECT_EQ(folder.Names().size(), 1U);
    EXPECT_CODE(StatusCode::kClosed, writer.value()->Commit());
    EXPECT_CODE(StatusCode::kClosed, writer.value()->Write("a", 0, {}));
    writer.value()->Abort();  // again: no harm
  }
  {
    auto writer = TensorFileWriter::Create(folder.File("target"), {{"a", Dtype::kU8, {4}}}, {});
    ASSERT_OK(writer.status());
  }
  EXPECT_EQ(folder.Names(), std::vector<std::string>({"target"}));
  EXPECT_EQ(ReadFile(folder.File("target")), "before");
}

TEST(TensorFileWriter, CommitReplacesTheTargetOnce) {
  const TempFolder folder;
  WriteFile(folder.File("target"), "before");
  auto writer = TensorFileWriter::Create(folder.File("target"), {{"a", Dtype::kU8, {4}}}, {});
  ASSERT_OK(writer.status());
  EXPECT_EQ(ReadFile(folder.File("target")), "before");
  ASSERT_OK(writer.value()->Commit());
  EXPECT_EQ(folder.Names(), std::vector<std::string>({"target"}));
  EXPECT_OK(TensorFile::Open(folder.File("target")).status());
  EXPECT_CODE(StatusCode::kClosed, writer.value()->Commit());
  writer.value()->Abort();
  EXPECT_OK(TensorFile::Open(folder.File("target")).status());
}

TEST(TensorFileWriter, AFailedCommitLeavesNothing) {
  const TempFolder folder;
  ASSERT_EQ(::mkdir(folder.File("target").c_str(), 0755), 0);  // a folder cannot be replaced by a file
  {
    auto writer = TensorFileWriter::Create(folder.File("target"), {{"a", Dtype::kU8, {4}}}, {});
    ASSERT_OK(writer.status());
    EXPECT_CODE(StatusCode::kIo, writer.value()->Commit());
  }
  EXPECT_EQ(folder.Names(), std::vector<std::string>({"target"}));
}

TEST(TensorFileWriter, KeepsToTheUmask) {
  const TempFolder folder;
  for (const mode_t mask : {mode_t{022}, mode_t{077}}) {
    const mode_t before = ::umask(mask);
    auto writer = TensorFileWriter::Create(folder.File("target"), {{"a", Dtype::kU8, {4}}}, {});
    ::umask(before);
    ASSERT_OK(writer.status());
    ASSERT_OK(writer.value()->Commit());
    struct stat info = {};
    ASSERT_EQ(::stat(folder.File("target").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0666U & ~mask);
  }
}

// A process that was killed may have had the same number and left its temporaries.
TEST(TensorFileWriter, PassesOverTemporariesThatAreThere) {
  const TempFolder folder;
  const auto create = [&] { return TensorFileWriter::Create(folder.File("target"), {{"a", Dtype::kU8, {4}}}, {}); };
  auto first = create();
  ASSERT_OK(first.status());
  const std::string name = first.value()->temporary_path();
  first.value()->Abort();
  const size_t dash = name.rfind('-');
  std::vector<std::string> stale;
  for (int64_t i = 1; i <= 3; ++i) stale.push_back(name.substr(0, dash + 1) + std::to_string(std::stoll(name.substr(dash + 1)) + i));
  for (const std::string& path : stale) WriteFile(path, "stale");
  auto second = create();
  ASSERT_OK(second.status());
  ASSERT_OK(second.value()->Commit());
  for (const std::string& path : stale) EXPECT_EQ(ReadFile(path), "stale");
}

TEST(TensorFileWriter, RefusesWhatItCannotWrite) {
  const TempFolder folder;
  const auto create = [&](std::vector<TensorSpec> tensors, std::map<std::string, std::string> metadata = {}) {
    return TensorFileWriter::Create(folder.File("x"), std::move(tensors), std::move(metadata)).status();
  };
  constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();
  EXPECT_CODE(StatusCode::kInvalidArgument, create({{"a", Dtype::kU8, {-1}}}));
  EXPECT_CODE(StatusCode::kInvalidArgument, create({{"a", Dtype::kI64, {kHuge}}}));
  EXPECT_CODE(StatusCode::kInvalidArgument, create({{"a", Dtype::kU8, {kHuge}}, {"b", Dtype::kU8, {kHuge}}}));
  EXPECT_CODE(StatusCode::kInvalidArgument, create({{"a", Dtype::kU8, {kHuge}}}));
  EXPECT_CODE(StatusCode::kInvalidArgument, create({{"a", Dtype::kU8, {1}}, {"a", Dtype::kU8, {1}}}));
  EXPECT_CODE(StatusCode::kInvalidArgument, create({{"__metadata__", Dtype::kU8, {1}}}));
  EXPECT_CODE(StatusCode::kInvalidArgument, create({{"a\xff", Dtype::kU8, {1}}}));
  EXPECT_CODE(StatusCode::kInvalidArgument, create({}, {{"note", "\xc3"}}));
  EXPECT_CODE(StatusCode::kInvalidArgument, create({{"a", Dtype::kU8, {1, 1, 1, 1, 1, 1, 1, 1, 1}}}));
  EXPECT_CODE(StatusCode::kInvalidArgument, create(std::vector<TensorSpec>(4096, TensorSpec{"a", Dtype::kU8, {0}})));
  EXPECT_CODE(StatusCode::kInvalidArgument, create({}, {{"note", std::string(size_t{17} << 20, 'x')}}));
  EXPECT_CODE(StatusCode::kInvalidArgument, create({}, {{"a\"digest", std::string(16, '0')}}));
  EXPECT_CODE(StatusCode::kInvalidArgument, TensorFileWriter::Create("", {}, {}).status());
  EXPECT_CODE(StatusCode::kInvalidArgument, TensorFileWriter::Create(std::string("a\0b", 3), {}, {}).status());
  EXPECT_CODE(StatusCode::kIo, TensorFileWriter::Create(folder.File("none/x"), {}, {}).status());
  EXPECT_TRUE(folder.Names().empty());
}

TEST(TensorFileWriter, KeepsWithinEachTensor) {
  const TempFolder folder;
  auto writer = TensorFileWriter::Create(folder.File("x"), {{"a", Dtype::kU8, {4}}, {"b", Dtype::kU8, {4}}}, {});
  ASSERT_OK(writer.status());
  const std::vector<std::byte> two(2, std::byte{7});
  EXPECT_OK(writer.value()->Write("a", 2, two));
  EXPECT_CODE(StatusCode::kOutOfRange, writer.value()->Write("a", 3, two));
  EXPECT_CODE(StatusCode::kOutOfRange, writer.value()->Write("a", -1, two));
  EXPECT_CODE(StatusCode::kOutOfRange, writer.value()->Write("a", std::numeric_limits<int64_t>::max(), two));
  EXPECT_CODE(StatusCode::kInvalidArgument, writer.value()->Write("c", 0, two));
  ASSERT_OK(writer.value()->Commit());
  const auto file = TensorFile::Open(folder.File("x"));
  const auto b = file.value().Get<uint8_t>("b").value();
  EXPECT_EQ(std::vector<uint8_t>(b.begin(), b.end()), std::vector<uint8_t>({0, 0, 0, 0}));
}

TEST(TensorFileWriter, ThreadsFillOneFile) {
  constexpr int64_t kPart = 10000;
  const TempFolder folder;
  auto writer = TensorFileWriter::Create(folder.File("x"), {{"a", Dtype::kI32, {8 * kPart}}}, {});
  ASSERT_OK(writer.status());
  OnThreads(8, [&](int64_t t) {
    const std::vector<int32_t> part(kPart, static_cast<int32_t>(t));
    EXPECT_OK(writer.value()->Write("a", t * kPart * 4, std::as_bytes(std::span(part))));
  });
  ASSERT_OK(writer.value()->Commit());
  const auto file = TensorFile::Open(folder.File("x"));
  ASSERT_OK(file.status());
  EXPECT_OK(file.value().VerifyDigest());
  const auto values = file.value().Get<int32_t>("a", 8 * kPart).value();
  for (int64_t i = 0; i < 8 * kPart; ++i) ASSERT_EQ(values[static_cast<size_t>(i)], i / kPart);
}

TEST(DigestFile, IsXxh3) {
  const TempFolder folder;
  WriteFile(folder.File("empty"), "");
  EXPECT_EQ(DigestFile(folder.File("empty")).value(), "2d06800538d394c2");  // XXH3's own value for no input
  WriteFile(folder.File("big"), std::string(size_t{9} << 20, 'x'));         // more than one piece
  WriteFile(folder.File("other"), std::string((size_t{9} << 20) - 1, 'x') + "y");
  EXPECT_EQ(DigestFile(folder.File("big")).value().size(), 16U);
  EXPECT_NE(DigestFile(folder.File("big")).value(), DigestFile(folder.File("other")).value());
  EXPECT_CODE(StatusCode::kIo, DigestFile(folder.File("none")).status());
  EXPECT_CODE(StatusCode::kIo, DigestFile(folder.File(".")).status());
  EXPECT_CODE(StatusCode::kInvalidArgument, DigestFile(folder.File(std::string("big\0", 4))).status());
}

}  // namespace
}  // namespace couponcast

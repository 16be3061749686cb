#include "couponcast/mapped_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <latch>

#include "tests/test_util.h"
#include "tests/threads_for_test.h"

namespace couponcast {
namespace {

using testing::OnThreads;
using testing::TempFolder;
using testing::WriteFile;

std::string Content(const MappedFile& file) { return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()}; }

TEST(MappedFile, OneMapAFile) {
  const size_t before = MappedFile::LiveCount();
  const TempFolder folder;
  WriteFile(folder.File("a"), "hello");
  {
    auto first = MappedFile::Open(folder.File("a"));
    ASSERT_OK(first.status());
    EXPECT_EQ(Content(*first.value()), "hello");
    EXPECT_EQ(MappedFile::LiveCount(), before + 1);
    const auto second = MappedFile::Open(folder.File("a"));
    EXPECT_EQ(second.value(), first.value());
    // The same file by other names.
    std::filesystem::create_symlink(folder.File("a"), folder.File("link"));
    std::filesystem::create_hard_link(folder.File("a"), folder.File("hard"));
    EXPECT_EQ(MappedFile::Open(folder.File("link")).value(), first.value());
    EXPECT_EQ(MappedFile::Open(folder.File("hard")).value(), first.value());
    EXPECT_EQ(MappedFile::LiveCount(), before + 1);
    first.value().reset();
    EXPECT_EQ(MappedFile::LiveCount(), before + 1);
    EXPECT_EQ(Content(*second.value()), "hello");
  }
  EXPECT_EQ(MappedFile::LiveCount(), before);
}

TEST(MappedFile, AReplacedFileGetsAMapOfItsOwn) {
  const size_t before = MappedFile::LiveCount();
  const TempFolder folder;
  WriteFile(folder.File("a"), "old");
  const auto old_map = MappedFile::Open(folder.File("a"));
  WriteFile(folder.File("b"), "new");
  std::filesystem::rename(folder.File("b"), folder.File("a"));
  const auto new_map = MappedFile::Open(folder.File("a"));
  EXPECT_NE(new_map.value(), old_map.value());
  EXPECT_EQ(Content(*old_map.value()), "old");
  EXPECT_EQ(Content(*new_map.value()), "new");
  EXPECT_EQ(MappedFile::LiveCount(), before + 2);
}

TEST(MappedFile, ATouchedFileGetsAMapOfItsOwn) {
  const TempFolder folder;
  WriteFile(folder.File("a"), "same");
  const auto first = MappedFile::Open(folder.File("a"));
  std::filesystem::last_write_time(folder.File("a"), std::filesystem::last_write_time(folder.File("a")) + std::chrono::seconds(1));
  EXPECT_NE(MappedFile::Open(folder.File("a")).value(), first.value());
}

TEST(MappedFile, WhatIsReleasedIsReadAgain) {
  const TempFolder folder;
  std::string content;
  while (content.size() < 50'000) content += std::to_string(content.size()) + ' ';
  WriteFile(folder.File("a"), content);
  const auto map = MappedFile::Open(folder.File("a")).value();
  ASSERT_EQ(Content(*map), content);
  for (const size_t begin : {size_t{0}, size_t{1}, size_t{4096}, size_t{49'999}}) {
    map->Release(map->bytes().subspan(begin));
    map->Release(map->bytes().subspan(begin, 1));
    map->Release(map->bytes().subspan(begin, 0));
    EXPECT_EQ(Content(*map), content);
  }
}

TEST(MappedFile, RefusesWhatIsNoFile) {
  const TempFolder folder;
  WriteFile(folder.File("empty"), "");
  EXPECT_CODE(StatusCode::kCorruptFile, MappedFile::Open(folder.File("empty")).status());
  EXPECT_CODE(StatusCode::kIo, MappedFile::Open(folder.File("none")).status());
  EXPECT_CODE(StatusCode::kIo, MappedFile::Open(folder.File(".")).status());
  EXPECT_CODE(StatusCode::kIo, MappedFile::Open("").status());
  EXPECT_CODE(StatusCode::kInvalidArgument, MappedFile::Open(std::string("a\0b", 3)).status());
  ASSERT_EQ(::mkfifo(folder.File("pipe").c_str(), 0600), 0);
  EXPECT_CODE(StatusCode::kIo, MappedFile::Open(folder.File("pipe")).status());  // and does not wait for a writer
  EXPECT_NE(MappedFile::Open(folder.File("none")).status().message().find(folder.File("none")), std::string::npos);
}

TEST(MappedFile, ChecksOncePerKey) {
  const TempFolder folder;
  WriteFile(folder.File("a"), "x");
  const auto file = MappedFile::Open(folder.File("a")).value();
  int calls = 0;
  const auto fails = [&] {
    ++calls;
    return CorruptFile("no");
  };
  const auto passes = [&] {
    ++calls;
    return Status();
  };
  EXPECT_CODE(StatusCode::kCorruptFile, file->CheckedOnce("one", fails));
  EXPECT_CODE(StatusCode::kCorruptFile, file->CheckedOnce("one", passes));
  EXPECT_EQ(calls, 1);
  EXPECT_OK(file->CheckedOnce("two", passes));
  EXPECT_OK(file->CheckedOnce("two", fails));
  EXPECT_EQ(calls, 2);
}

TEST(MappedFile, ThreadsShareOneMap) {
  const size_t before = MappedFile::LiveCount();
  const TempFolder folder;
  for (int i = 0; i < 3; ++i) WriteFile(folder.File(std::to_string(i)), std::string(1000, static_cast<char>('a' + i)));
  std::atomic<int> checks = 0;
  const auto hold = MappedFile::Open(folder.File("0")).value();
  OnThreads(8, [&](int64_t t) {
    for (int64_t i = 0; i < 300; ++i) {
      const int64_t which = (i + t) % 3;
      const auto file = MappedFile::Open(folder.File(std::to_string(which)));
      ASSERT_OK(file.status());
      EXPECT_EQ(static_cast<char>(file.value()->bytes()[static_cast<size_t>(i)]), 'a' + which);
      if (which == 0) {
        EXPECT_EQ(file.value(), hold);
        EXPECT_OK(file.value()->CheckedOnce("key", [&] {
          ++checks;
          return Status();
        }));
      }
      static_cast<void>(MappedFile::LiveCount());
    }
  });
  EXPECT_EQ(checks, 1);
  EXPECT_EQ(MappedFile::LiveCount(), before + 1);
}

TEST(MappedFile, ChecksUnderDifferentKeysRunSideBySide) {
  const TempFolder folder;
  WriteFile(folder.File("a"), "content");
  const auto file = MappedFile::Open(folder.File("a")).value();
  std::latch both(2);
  OnThreads(2, [&](int64_t t) {
    EXPECT_OK(file->CheckedOnce(std::to_string(t), [&] {
      both.arrive_and_wait();
      return Status();
    }));
  });
}

}  // namespace
}  // namespace couponcast

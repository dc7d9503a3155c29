// The folder of compiled kernels: what is kept is found, what is damaged is not, and the folder does not grow for ever.
#include "codegen/native/ObjectCache.h"
#include "codegen/native/Linker.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <fstream>
#include <gtest/gtest.h>

namespace dlc {
namespace {

class ObjectCacheTest : public testing::Test {
protected:
  ObjectCacheTest() {
    llvm::SmallString<128> made;
    EXPECT_FALSE(llvm::sys::fs::createUniqueDirectory("dlc-cache", made));
    folder = std::string(made);
  }
  ~ObjectCacheTest() override { llvm::sys::fs::remove_directories(folder); }

  std::string folder;
};

size_t filesIn(const std::string &folder) {
  size_t count = 0;
  std::error_code problem;
  for (llvm::sys::fs::directory_iterator at(folder, problem), end; !problem && at != end; at.increment(problem))
    ++count;
  return count;
}

TEST_F(ObjectCacheTest, FindsWhatWasKept) {
  ObjectCache cache(folder + "/new/folder");
  std::string key = cache.keyOf("a kernel", Target::host());
  EXPECT_EQ(key.size(), 32u);
  EXPECT_FALSE(cache.find(key));
  cache.store(key, {7, 2.5}, {"dlc.first", "dlc.second"}, std::string("ob\0ject", 7));
  auto found = ObjectCache(folder + "/new/folder").find(key);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->info.tasks, 7);
  EXPECT_EQ(found->info.nanoseconds, 2.5);
  EXPECT_EQ(found->needs, (std::vector<std::string>{"dlc.first", "dlc.second"}));
  EXPECT_EQ(found->object->getBuffer(), std::string("ob\0ject", 7));
}

TEST_F(ObjectCacheTest, KeysAreOfTextAndTarget) {
  ObjectCache cache(folder);
  Target host = Target::host(), other = host;
  other.features += ",-fma4";
  EXPECT_EQ(cache.keyOf("a", host), cache.keyOf("a", host));
  EXPECT_NE(cache.keyOf("a", host), cache.keyOf("b", host));
  EXPECT_NE(cache.keyOf("a", host), cache.keyOf("a", other));
}

TEST_F(ObjectCacheTest, WhatIsDamagedIsMissingAndIsReplaced) {
  ObjectCache cache(folder);
  std::string key = cache.keyOf("a", Target::host()), path = folder + "/" + key + ".o";
  cache.store(key, {1, 1}, {}, "an object");
  auto file = llvm::cantFail(llvm::errorOrToExpected(llvm::MemoryBuffer::getFile(path)));
  std::string whole = file->getBuffer().str();
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] ^= 1;
    ASSERT_FALSE(bool(writeFile(path, damaged)));
    EXPECT_FALSE(cache.find(key)) << "byte " << at;
    ASSERT_FALSE(bool(writeFile(path, whole.substr(0, at))));
    EXPECT_FALSE(cache.find(key)) << at << " bytes";
  }
  ASSERT_FALSE(bool(writeFile(path, whole + "more")));
  EXPECT_FALSE(cache.find(key));
  cache.store(key, {1, 1}, {}, "an object");
  EXPECT_TRUE(cache.find(key));
}

TEST_F(ObjectCacheTest, TheOldestGoWhenItIsFull) {
  std::string object(1000, 'x');
  {
    ObjectCache cache(folder, 10000);
    for (int i = 0; i < 20; ++i)
      cache.store(cache.keyOf(std::to_string(i), Target::host()), {1, 1}, {}, object);
  }
  size_t left = filesIn(folder);
  EXPECT_LE(left * 1000, 10000u);
  EXPECT_GE(left, 5u);
  ObjectCache cache(folder, 10000);
  EXPECT_TRUE(cache.find(cache.keyOf("19", Target::host())));
  EXPECT_FALSE(cache.find(cache.keyOf("0", Target::host())));
}

TEST_F(ObjectCacheTest, IsNeverAnError) {
  ObjectCache none("");
  none.store(none.keyOf("a", Target::host()), {1, 1}, {}, "object");
  EXPECT_FALSE(none);
  EXPECT_FALSE(none.find(none.keyOf("a", Target::host())));
  // A file stands where the folder should be.
  std::ofstream(folder + "/taken") << "text";
  ObjectCache blocked(folder + "/taken");
  blocked.store(blocked.keyOf("a", Target::host()), {1, 1}, {}, "object");
  EXPECT_FALSE(blocked.find(blocked.keyOf("a", Target::host())));
}

} // namespace
} // namespace dlc

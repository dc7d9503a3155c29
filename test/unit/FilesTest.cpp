// Whole files in and out: gzip streams, the search for data files, and writing that never leaves half a file.
#include "runtime/Files.h"
#include "RuntimeTesting.h"

#include <csignal>
#include <sys/resource.h>
#include <sys/wait.h>

using namespace dlc;
using namespace dlc::testing;

TEST(Files, ReadsPlainAndCompressedFiles) {
  TemporaryFolder folder;
  std::string big(300000, 'x');
  EXPECT_EQ(*readFile(folder.write("a.txt", "hello")), "hello");
  EXPECT_EQ(*readFile(folder.write("empty", "")), "");
  EXPECT_EQ(*readFile(folder.write("a.gz", gzip(big))), big);
  EXPECT_EQ(*readFile(folder.write("e.gz", gzip(""))), "");
}

TEST(Files, JoinsTheMembersOfAGzipStream) {
  TemporaryFolder folder;
  EXPECT_EQ(*readFile(folder.write("two.gz", gzip("one,") + gzip("two"))), "one,two");
  EXPECT_EQ(*readFile(folder.write("padded.gz", gzip("one") + std::string(100, '\0'))), "one");
}

TEST(Files, ABadGzipStreamIsAnErrorWithItsByte) {
  TemporaryFolder folder;
  std::string good = gzip("some text that is long enough, some text that is long enough");
  auto errorFor = [&](const std::string &bytes) {
    std::string path = folder.write("x.gz", bytes);
    return errorOf(readFile(path)).substr(path.size());
  };
  EXPECT_EQ(errorFor(""), ": is empty, but a gzip stream is expected");
  EXPECT_EQ(errorFor("plain text"), ": is not a gzip stream: its magic number is not 1f 8b at byte 0");
  for (size_t length : {size_t(1), size_t(5), size_t(12), good.size() - 9, good.size() - 1})
    EXPECT_EQ(errorFor(good.substr(0, length)), ": gzip stream ends early at byte " + std::to_string(length));
  std::string badCrc = good;
  badCrc[good.size() - 8] ^= 1;
  EXPECT_EQ(errorFor(badCrc).substr(0, 47), ": gzip stream is broken (incorrect data check) ");
  std::string badLength = good;
  badLength[good.size() - 3] ^= 1;
  EXPECT_EQ(errorFor(badLength).substr(0, 49), ": gzip stream is broken (incorrect length check) ");
  EXPECT_EQ(errorFor(good + "garbage"),
            ": something that is not gzip follows the gzip stream at byte " + std::to_string(good.size()));
}

TEST(Files, WhatCannotBeReadIsAnError) {
  TemporaryFolder folder;
  EXPECT_EQ(errorOf(readFile(folder / "no")), folder / "no" + ": cannot open it: No such file or directory");
  EXPECT_EQ(errorOf(readFile(folder.path)), folder.path + ": is a folder, but a file is expected");
  EXPECT_EQ(errorOf(readFile("/dev/zero")), "/dev/zero: is neither a file nor a pipe");
  std::string path = folder.write("long", std::string((1 << 20) + 1, 'x'));
  EXPECT_EQ(errorOf(readFile(path, 1 << 20)), path + ": is longer than 1 MiB");
  EXPECT_TRUE(readFile(path, (1 << 20) + 1));
}

TEST(Files, AFileLargerThanTheMemoryIsAnError) {
  TemporaryFolder folder;
  std::string path = folder.write("huge", "");
  if (truncate(path.c_str(), off_t(1) << 42) != 0)
    GTEST_SKIP() << "this file system has no sparse files";
  pid_t child = fork();
  if (child == 0) { // so that the memory is not really taken
    struct rlimit limit = {rlim_t(1) << 33, rlim_t(1) << 33};
    setrlimit(RLIMIT_AS, &limit);
    _exit(errorOf(readFile(path)) == path + ": does not fit the memory" ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(Paths, LooksBesideTheProgramThenInTheDataFolders) {
  TemporaryFolder program, data, environment;
  setenv("DLC_DATA", environment.path.c_str(), 1);
  SearchPaths paths = SearchPaths::standard(program / "net.dl", data.path);
  unsetenv("DLC_DATA");
  EXPECT_EQ(paths.folders,
            (std::vector<std::string>{program.path, data.path, environment.path, "/usr/share/datasets"}));
  environment.write("set/x.csv", "3");
  EXPECT_EQ(*paths.find("set/x.csv"), environment / "set/x.csv");
  data.write("set/x.csv", "2");
  EXPECT_EQ(*paths.find("set/x.csv"), data / "set/x.csv");
  program.write("set/x.csv", "1");
  EXPECT_EQ(*paths.find("set/x.csv"), program / "set/x.csv");
  EXPECT_EQ(*paths.find(data / "set/x.csv"), data / "set/x.csv");
}

TEST(Paths, ACompressedFileStandsForThePlainOneAndViceVersa) {
  TemporaryFolder folder;
  folder.write("a.csv.gz", gzip("1"));
  folder.write("b.csv", "1");
  EXPECT_EQ(*folder.paths().find("a.csv"), folder / "a.csv.gz");
  EXPECT_EQ(*folder.paths().find("b.csv.gz"), folder / "b.csv");
}

TEST(Paths, ErrorsSayWhereTheyLooked) {
  TemporaryFolder one, two;
  SearchPaths paths{{one.path, two.path}};
  EXPECT_EQ(errorOf(paths.find("x.csv")), "x.csv: no such file; looked in " + one.path + ", " + two.path);
  EXPECT_EQ(errorOf(paths.find("/no/such.csv")), "/no/such.csv: no such file");
  EXPECT_EQ(errorOf(paths.findAll("x*.bin")), "x*.bin: no file matches; looked in " + one.path + ", " + two.path);
  EXPECT_EQ(errorOf(paths.find("")), "a file name is empty");
  one.write("sub/file", "");
  EXPECT_EQ(errorOf(paths.find("sub")), one / "sub" + ": is a folder, but a file is expected");
}

TEST(Paths, PatternsGiveSortedFilesOfTheFirstFolder) {
  TemporaryFolder one, two;
  for (const char *name : {"batch_2.bin", "batch_1.bin", "other.bin"})
    two.write(std::string("odd [name]/") + name, "");
  SearchPaths paths{{one.path, two / "odd [name]"}}; // a folder's name is no pattern
  EXPECT_EQ(*paths.findAll("batch_*.bin"),
            (std::vector<std::string>{two / "odd [name]/batch_1.bin", two / "odd [name]/batch_2.bin"}));
}

TEST(AtomicWrite, ReplacesAFileAndLeavesNothingBesideIt) {
  TemporaryFolder folder;
  std::string path = folder.write("f", "old");
  ASSERT_TRUE(writeFileAtomically(path, {"new ", "content"}));
  EXPECT_EQ(contentOf(path), "new content");
  EXPECT_EQ(folder.files(), std::vector<std::string>{"f"});
}

TEST(AtomicWrite, WhereNothingCanBeWrittenIsAnError) {
  TemporaryFolder folder;
  EXPECT_EQ(errorOf(writeFileAtomically(folder / "no/f", {"x"})),
            folder / "no/f" + ": cannot write it: No such file or directory");
  EXPECT_EQ(errorOf(checkWritable(folder / "no/f")), folder / "no/f" + ": cannot write it: No such file or directory");
  EXPECT_EQ(errorOf(checkWritable(folder.path)), folder.path + ": is a folder, but a file is to be written");
  EXPECT_EQ(errorOf(writeFileAtomically("/dev/full", {"x"})), "/dev/full: cannot write it: it is not a regular file");
  EXPECT_TRUE(checkWritable(folder / "f"));
  EXPECT_TRUE(folder.files().empty());
}

TEST(AtomicWrite, AFullDiskLeavesTheOldFileWhole) {
  TemporaryFolder folder;
  std::string path = folder.write("f", "old");
  pid_t child = fork();
  if (child == 0) { // a limit of file sizes stands for a full disk
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {1000, 1000};
    setrlimit(RLIMIT_FSIZE, &limit);
    std::string large(5000, 'x');
    std::string error = errorOf(writeFileAtomically(path, {large}));
    _exit(error == path + ": cannot write it: File too large" ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_EQ(contentOf(path), "old");
  EXPECT_EQ(folder.files(), std::vector<std::string>{"f"});
}

TEST(AtomicWrite, AKilledWriterLeavesAWholeFile) {
  TemporaryFolder folder;
  std::string path = folder.write("f", std::string(200000, 'a'));
  for (int round = 0; round < 15; ++round) {
    pid_t child = fork();
    if (child == 0)
      for (char letter = 'a';; letter = letter == 'z' ? 'a' : char(letter + 1))
        (void)writeFileAtomically(path, {std::string(200000, letter)});
    usleep(3000 + 1700 * useconds_t(round));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    std::string content = contentOf(path);
    ASSERT_EQ(content.size(), 200000u);
    ASSERT_EQ(content, std::string(200000, content[0]));
  }
}

TEST(NearestName, FindsSlipsAndNothingElse) {
  EXPECT_EQ(nearestName("hiden", {"hidden", "width"}), "hidden");
  EXPECT_EQ(nearestName("lable", {"image", "label"}), "label");
  EXPECT_EQ(nearestName("x", {"image", "label"}), "");
  EXPECT_EQ(nearestName("fc1.wieght", {"fc1.weight", "fc2.weight"}), "fc1.weight");
}

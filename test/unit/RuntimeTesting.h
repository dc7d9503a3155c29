// What the tests of runtime/ share: files in a folder of their own, gzip streams, errors as text.
#pragma once

#include "runtime/Result.h"
#include "runtime/Sources.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <pthread.h>
#include <random>
#include <string>
#include <unistd.h>
#include <zlib.h>

namespace dlc::testing {

/// A fresh folder that is removed with all that is in it.
class TemporaryFolder {
public:
  TemporaryFolder() {
    std::string name = ::testing::TempDir() + "/dlc.XXXXXX";
    path = mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
  TemporaryFolder(const TemporaryFolder &) = delete;

  std::string operator/(const std::string &name) const { return path + "/" + name; }
  /// Writes a file and gives its whole name.
  std::string write(const std::string &name, const std::string &content) const {
    std::filesystem::create_directories(std::filesystem::path(*this / name).parent_path());
    std::ofstream(*this / name, std::ios::binary) << content;
    return *this / name;
  }
  SearchPaths paths() const { return {{path}}; }
  /// Names of the files in it, sorted.
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto &entry : std::filesystem::directory_iterator(path))
      names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }

  std::string path;
};

inline std::string contentOf(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// While it lives no thread can be started: a stack would be larger than all addresses.
class NoMoreThreads {
public:
  NoMoreThreads() {
    pthread_getattr_default_np(&before);
    pthread_attr_t attributes = before;
    pthread_attr_setstacksize(&attributes, size_t(1) << 47);
    pthread_setattr_default_np(&attributes);
  }
  ~NoMoreThreads() { pthread_setattr_default_np(&before); }
  NoMoreThreads(const NoMoreThreads &) = delete;

private:
  pthread_attr_t before;
};

/// One gzip member.
inline std::string gzip(const std::string &content) {
  z_stream stream = {};
  deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, content.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(content.data()));
  stream.avail_in = uInt(content.size());
  stream.next_out = reinterpret_cast<Bytef *>(out.data());
  stream.avail_out = uInt(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

/// `bytes` with some that are other ones, perhaps cut off, perhaps with a piece of `other` behind them.
inline std::string damaged(std::string bytes, const std::string &other, std::mt19937 &random) {
  for (unsigned flips = random() % 4; flips > 0; --flips)
    bytes[random() % bytes.size()] = char(random());
  if (random() % 3 == 0)
    bytes.resize(random() % bytes.size());
  if (random() % 3 == 0)
    bytes = bytes.substr(0, random() % (bytes.size() + 1)) + other.substr(random() % other.size());
  return bytes;
}

/// How many damaged files a test tries.
inline int damagedFiles() {
  const char *count = std::getenv("DLC_RANDOM_FILES");
  return count ? std::atoi(count) : 100;
}

/// The error's text, or an empty string when there is none.
template <class T> std::string errorOf(const Result<T> &result) { return result ? "" : result.error().str(); }

/// Numbers as the bytes that they are stored in.
template <class T> std::string bytesOf(const std::vector<T> &values) {
  return {reinterpret_cast<const char *>(values.data()), values.size() * sizeof(T)};
}

inline FieldSpec field(std::string name, DType dtype, std::vector<int64_t> shape = {}) {
  return {std::move(name), dtype, std::move(shape), FieldSpec::Kind::Number};
}
inline FieldSpec category(std::string name) { return {std::move(name), DType::I32, {}, FieldSpec::Kind::Category}; }
inline FieldSpec text(std::string name) { return {std::move(name), DType::F32, {}, FieldSpec::Kind::String}; }

} // namespace dlc::testing

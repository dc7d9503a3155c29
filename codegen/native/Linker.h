// The system's tools that turn objects into libraries and programs, and the files between.
#pragma once

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>

namespace dlc {

/// Writes a file beside its place and renames it.
llvm::Error writeFile(llvm::StringRef path, llvm::StringRef bytes);

/// A file in the system's temporary folder, gone with this object.
class TemporaryFile {
public:
  static llvm::Expected<TemporaryFile> create(llvm::StringRef suffix, llvm::StringRef bytes);
  ~TemporaryFile();
  TemporaryFile(TemporaryFile &&other) : name(std::move(other.name)) { other.name.clear(); }
  TemporaryFile &operator=(TemporaryFile &&) = delete;
  llvm::StringRef path() const { return name; }

private:
  explicit TemporaryFile(llvm::StringRef name) : name(name) {}
  std::string name;
};

/// Makes a shared library of an object, perhaps one that calls LAPACK. Needs a compiler driver or a linker.
llvm::Error linkLibrary(llvm::StringRef object, llvm::StringRef library, bool withLapack);

/// Makes a program of the C text `source` and an object. Needs a C compiler.
llvm::Error linkProgram(llvm::StringRef source, llvm::StringRef object, llvm::StringRef program, bool withLapack);

} // namespace dlc

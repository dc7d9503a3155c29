// Finds the tools and runs them; what they say is part of the error.
#include "codegen/native/Linker.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using llvm::SmallVector, llvm::StringRef;

namespace dlc {

llvm::Error writeFile(StringRef path, StringRef bytes) {
  auto write = [&](llvm::raw_ostream &stream) { return stream << bytes, llvm::Error::success(); };
  if (llvm::Error error = llvm::writeToOutput(path, write))
    return llvm::createStringError("cannot write `" + path + "`: " + llvm::toString(std::move(error)));
  return llvm::Error::success();
}

llvm::Expected<TemporaryFile> TemporaryFile::create(StringRef suffix, StringRef bytes) {
  llvm::SmallString<128> path;
  if (std::error_code code = llvm::sys::fs::createTemporaryFile("dlc", suffix, path))
    return llvm::createStringError("cannot make a temporary file: " + code.message());
  TemporaryFile made(path);
  if (llvm::Error error = writeFile(path, bytes))
    return std::move(error);
  return made;
}

TemporaryFile::~TemporaryFile() {
  if (!name.empty())
    llvm::sys::fs::remove(name);
}

/// The first of these programs that there is, or nothing.
static std::string findTool(std::initializer_list<StringRef> names) {
  for (StringRef name : names)
    if (auto path = llvm::sys::findProgramByName(name))
      return *path;
  return {};
}

static llvm::Error run(const SmallVector<std::string> &command, StringRef output) {
  auto log = TemporaryFile::create("log", "");
  if (!log)
    return log.takeError();
  SmallVector<StringRef> arguments(command.begin(), command.end());
  std::optional<StringRef> redirects[] = {StringRef(""), log->path(), log->path()};
  std::string problem;
  int status = llvm::sys::ExecuteAndWait(arguments[0], arguments, std::nullopt, redirects, 0, 0, &problem);
  if (status == 0)
    return llvm::Error::success();
  if (auto text = llvm::MemoryBuffer::getFile(log->path()); text && problem.empty())
    problem = (*text)->getBuffer().trim().str();
  return llvm::createStringError("`" + arguments[0] + "` could not make `" + output + "`: " + problem);
}

llvm::Error linkLibrary(StringRef object, StringRef library, bool withLapack) {
  // Compiler drivers know where libraries are, linkers have to be told.
  SmallVector<std::string> command;
  if (std::string driver = findTool({"cc", "clang-22", "clang", "gcc"}); !driver.empty())
    command = {driver, "-shared", "-o", library.str(), object.str(), "-lm"};
  else if (std::string linker = findTool({"ld.lld-22", "ld.lld", "ld"}); !linker.empty())
    command = {linker,
               "-shared",
               "-o",
               library.str(),
               object.str(),
               "-L/lib/x86_64-linux-gnu",
               "-L/usr/lib/x86_64-linux-gnu",
               "-L/lib64",
               "-L/usr/lib64",
               "-lm",
               "-lc"};
  else
    return llvm::createStringError("no linker is installed; a shared library needs one of cc, clang, gcc, ld.lld, ld");
  if (withLapack)
    command.push_back("-llapacke");
  return run(command, library);
}

llvm::Error linkProgram(StringRef source, StringRef object, StringRef program, bool withLapack) {
  std::string driver = findTool({"cc", "clang-22", "clang", "gcc"});
  if (driver.empty())
    return llvm::createStringError("no C compiler is installed; a program needs one of cc, clang, gcc");
  auto text = TemporaryFile::create("c", source);
  if (!text)
    return text.takeError();
  SmallVector<std::string> command = {driver, "-O1", "-o", program.str(), text->path().str(), object.str(), "-lm"};
  if (withLapack)
    command.push_back("-llapacke");
  return run(command, program);
}

} // namespace dlc

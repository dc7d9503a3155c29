// The standard library's text (std/*.dl, std/builtins/*.dl), built into the program.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace dlc {

namespace ast {
struct FnItem;
}
struct Builtin;

/// A file of std/: its name and its text.
struct LibraryFile {
  const char *name;
  const char *text;
};
const std::vector<LibraryFile> &libraryFiles();
/// The names that are only for the library itself (std/internal.txt), as words behind a first paragraph.
const char *internalNames();
/// Gives each builtin the parameters of its declaration. What is wrong, in words, where one has no other; else "".
std::string bindDeclarations(const std::vector<std::unique_ptr<Builtin>> &builtins,
                             const std::vector<const ast::FnItem *> &declarations);

} // namespace dlc

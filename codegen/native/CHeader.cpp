// The C header of an exported library: what each argument is, in words that a C programmer needs.
#include "codegen/native/Lowering.h"
#include "codegen/native/ObjectFile.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace dlc {

static StringRef cType(Type element) {
  if (element.isF32())
    return "float";
  if (element.isF64())
    return "double";
  if (element.isBF16())
    return "uint16_t";
  if (element.isInteger(64))
    return "int64_t";
  if (element.isInteger(32))
    return "int32_t";
  return "uint8_t";
}

static StringRef explanation(Type element) {
  if (element.isBF16())
    return ", bfloat16 numbers";
  if (element.isInteger(1))
    return ", each 0 or 1";
  return "";
}

/// An identifier that C++ accepts too, not among `taken`.
static std::string identifierFor(StringRef name, llvm::StringSet<> &taken) {
  // Keywords, and macros of the headers that programs include before this one.
  static const llvm::StringSet<> words = {
      "NULL",   "EOF",     "errno",  "linux",    "unix",   "stdin",  "stdout",   "stderr",   "offsetof",
      "auto",   "bool",    "break",  "case",     "char",   "class",  "const",    "continue", "default",
      "delete", "do",      "double", "else",     "enum",   "extern", "false",    "float",    "for",
      "goto",   "if",      "inline", "int",      "long",   "new",    "private",  "public",   "register",
      "return", "short",   "signed", "sizeof",   "static", "struct", "switch",   "template", "this",
      "true",   "typedef", "union",  "unsigned", "using",  "void",   "volatile", "while"};
  std::string identifier;
  for (char c : name)
    identifier += llvm::isAlnum(c) ? c : '_';
  if (identifier.empty() || llvm::isDigit(identifier[0]))
    identifier = "_" + identifier;
  if (words.contains(identifier))
    identifier += "_";
  std::string unique = identifier;
  for (int count = 2; !taken.insert(unique).second; ++count)
    unique = identifier + std::to_string(count);
  return unique;
}

static std::string shapeText(ArrayRef<int64_t> shape) {
  std::string text;
  for (int64_t size : shape)
    text += "[" + std::to_string(size) + "]";
  return text;
}

std::string failureText(DictionaryAttr check) {
  if (auto failure = check.getAs<StringAttr>("fails"))
    return "a matrix " + failure.str();
  if (auto expected = check.getAs<StringAttr>("expected"))
    return "an element of " + check.getAs<StringAttr>("what").str() + " is not " + expected.str();
  auto low = check.getAs<IntegerAttr>("low");
  return "an element of " + check.getAs<StringAttr>("what").str() + " is not in [" +
         std::to_string(low ? low.getInt() : 0) + ", " + std::to_string(check.getAs<IntegerAttr>("limit").getInt()) +
         ")";
}

bool callsLapack(func::FuncOp planned) {
  return planned
      .walk([](dl::KernelOp kernel) {
        return kernel.getKind() == dl::KernelKind::linalg ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

llvm::Expected<std::string> libraryHeader(ModuleOp planned, StringRef name) {
  auto entry = plannedEntry(planned);
  if (!entry)
    return entry.takeError();
  func::FuncOp function = *entry;
  llvm::StringSet<> taken{"scratch", "size_t"};
  std::string arguments, prototype;
  unsigned next = 2;
  auto describe = [&](StringRef attribute, bool input) {
    auto names = function->getAttrOfType<ArrayAttr>(attribute);
    for (Attribute item : names ? names.getValue() : ArrayRef<Attribute>()) {
      auto type = cast<MemRefType>(function.getArgumentTypes()[next++]);
      std::string identifier = identifierFor(cast<StringAttr>(item).getValue(), taken);
      StringRef element = cType(type.getElementType());
      prototype += (input ? "const " : "") + element.str() + " *" + identifier + ", ";
      arguments += " *   " + identifier + ": " + (input ? "in" : "out") + ", " + element.str() +
                   shapeText(type.getShape()) + explanation(type.getElementType()).str() + "\n";
    }
  };
  describe("dl.inputs", true);
  describe("dl.outputs", false);
  std::string checks;
  if (auto list = function->getAttrOfType<ArrayAttr>("dl.checks"))
    for (auto [i, item] : llvm::enumerate(list)) {
      checks += " *   " + std::to_string(i + 1) + ": " + failureText(cast<DictionaryAttr>(item)) + "\n";
    }
  std::string upper = name.upper();
  std::string text = "/* " + name.str() + ": a compiled function. Needs " +
                     (callsLapack(function) ? "libc, libm and liblapacke" : "libc and libm only") + ". */\n";
  text += "#ifndef " + upper + "_H\n#define " + upper + "_H\n\n#include <stddef.h>\n#include <stdint.h>\n\n";
  text += "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n";
  text += "/* Tensors are dense and row-major:\n" + arguments;
  text += " *   scratch: " + name.str() +
          "_scratch_bytes() bytes, used during the call only; one for each thread that calls\n";
  text += " * Returns 0" +
          (checks.empty() ? std::string(".")
                          : ", or the number of a failed check:\n" + checks.substr(0, checks.size() - 1)) +
          " */\n";
  text += "int " + name.str() + "(" + prototype + "void *scratch);\n";
  text += "size_t " + name.str() + "_scratch_bytes(void);\n\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n";
  return text;
}

} // namespace dlc

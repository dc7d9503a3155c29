// A program around an exported function: tables of what it takes and gives, in front of the text of export/main.c.
#include "codegen/native/ExportMain.h"
#include "codegen/native/Lowering.h"
#include "codegen/native/ObjectFile.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace dlc {

/// A string literal of C.
static std::string quoted(StringRef text) {
  std::string literal = "\"";
  for (char c : text)
    if (c == '"' || c == '\\')
      (literal += '\\') += c;
    else if (llvm::isPrint(c))
      literal += c;
    else
      literal += "?";
  return literal + "\"";
}

namespace {
/// What NumPy calls the elements: the code in a file, the name in a program.
struct NumpyType {
  StringRef descr, name;
};
} // namespace

static NumpyType numpyType(Type element) {
  if (element.isF32())
    return {"<f4", "float32"};
  if (element.isF64())
    return {"<f8", "float64"};
  if (element.isBF16())
    return {"<V2", "bfloat16"};
  if (element.isInteger(64))
    return {"<i8", "int64"};
  if (element.isInteger(32))
    return {"<i4", "int32"};
  if (element.isInteger(1))
    return {"|b1", "bool_"};
  return {"|u1", "uint8"};
}

/// A table of tensors with the function's arguments from `first` on.
static void printTable(llvm::raw_ostream &out, func::FuncOp function, StringRef attribute, StringRef table,
                       StringRef count, unsigned first) {
  auto names = function->getAttrOfType<ArrayAttr>(attribute);
  out << "enum { " << count << " = " << names.size() << " };\nstatic const struct tensor " << table << "[] = {\n";
  for (auto [i, name] : llvm::enumerate(names)) {
    auto type = cast<MemRefType>(function.getArgumentTypes()[first + i]);
    NumpyType numpy = numpyType(type.getElementType());
    out << "    {" << quoted(cast<StringAttr>(name).getValue()) << ", " << quoted(numpy.descr) << ", "
        << quoted(numpy.name) << ", " << llvm::divideCeil(type.getElementTypeBitWidth(), 8) << ", " << type.getRank()
        << ", {";
    llvm::interleaveComma(type.getShape(), out);
    out << "}},\n";
  }
  out << "    {0}};\n";
}

static std::string programText(func::FuncOp function, StringRef header, StringRef name) {
  std::string text;
  llvm::raw_string_ostream out(text);
  size_t rank = 1;
  for (Type type : function.getArgumentTypes())
    rank = std::max<size_t>(rank, cast<MemRefType>(type).getRank());
  out << header
      << "struct tensor {\n  const char *name, *descr, *numpy;\n  size_t element_bytes;\n  int rank;\n  int64_t shape["
      << rank << "];\n};\n";
  size_t inputs = function->getAttrOfType<ArrayAttr>("dl.inputs").size();
  printTable(out, function, "dl.inputs", "inputs", "input_count", 2);
  printTable(out, function, "dl.outputs", "outputs", "output_count", 2 + inputs);
  out << "static const char *const checks[] = {\n";
  if (auto checks = function->getAttrOfType<ArrayAttr>("dl.checks"))
    for (auto check : checks.getAsRange<DictionaryAttr>())
      out << "    " << quoted(failureText(check)) << ",\n";
  out << "    \"\"};\nstatic int call(void *const *given, void *const *results, void *scratch) {\n  return " << name
      << "(";
  for (size_t i = 0; i < inputs; ++i)
    out << "given[" << i << "], ";
  for (size_t i = 0; i < function->getAttrOfType<ArrayAttr>("dl.outputs").size(); ++i)
    out << "results[" << i << "], ";
  out << "scratch);\n}\nstatic size_t scratch_bytes(void) { return " << name << "_scratch_bytes(); }\n"
      << exportMainText;
  return text;
}

llvm::Error writeProgram(ModuleOp planned, const Target &target, StringRef name, ArrayRef<char> params,
                         StringRef path) {
  auto object = exportedObject(planned, target, name, params);
  if (!object)
    return object.takeError();
  auto header = libraryHeader(planned, name);
  if (!header)
    return header.takeError();
  return linkProgram(programText(*plannedEntry(planned), *header, name), object->path(), path,
                     callsLapack(*plannedEntry(planned)));
}

} // namespace dlc

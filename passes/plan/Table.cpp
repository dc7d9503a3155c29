// A planned function as a table for people: blocks, the arena in the order of offsets, the kernels in order, the peak.

#include "ir/Dialect.h"
#include "passes/Pipeline.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace dlc {
namespace {

std::string sizeText(int64_t bytes) {
  if (bytes < 1024)
    return llvm::formatv("{0} B", bytes);
  if (bytes < 1024 * 1024)
    return llvm::formatv("{0:f1} KiB", bytes / 1024.0);
  return llvm::formatv("{0:f1} MiB", bytes / (1024.0 * 1024));
}

std::string typeText(ArrayRef<int64_t> shape, Type element) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  llvm::interleave(shape, stream, "x");
  stream << (shape.empty() ? "" : " ") << element;
  return text;
}

/// A buffer of the arena.
struct Row {
  std::string name, type;
  int64_t offset, bytes;
  unsigned first, last;
};

int64_t bytesOf(MemRefType type) {
  auto [strides, offset] = type.getStridesAndOffset();
  int64_t elements = 1;
  for (auto [size, stride] : llvm::zip_equal(type.getShape(), strides))
    elements = size == 0 ? 0 : std::max<int64_t>(elements, elements == 0 ? 0 : size * stride);
  return elements * llvm::divideCeil(type.getElementTypeBitWidth(), 8);
}

void printSlots(func::FuncOp function, StringRef block, int64_t bytes, llvm::raw_ostream &stream) {
  stream << llvm::formatv("{0} {1}\n", block, sizeText(bytes));
  for (auto slot : function->getAttrOfType<ArrayAttr>("dl.slots").getAsRange<DictionaryAttr>()) {
    if (slot.getAs<StringAttr>("block").getValue() != block)
      continue;
    auto type = cast<RankedTensorType>(slot.getAs<TypeAttr>("type").getValue());
    stream << llvm::formatv("  {0,-28} @{1,-10} {2}", slot.getAs<StringAttr>("name").getValue(),
                            slot.getAs<IntegerAttr>("offset").getInt(),
                            typeText(type.getShape(), type.getElementType()));
    if (auto layout = dyn_cast_or_null<dl::LayoutAttr>(type.getEncoding())) {
      stream << "  order ";
      llvm::interleave(layout.getOrder(), stream, ",");
      stream << ", row " << layout.getRow();
    }
    stream << '\n';
  }
}

void printFunction(func::FuncOp function, llvm::raw_ostream &stream) {
  Block &body = function.getBody().front();
  Value arena = body.getArguments().back();
  auto blockBytes = [&](Value block) { return cast<MemRefType>(block.getType()).getNumElements(); };
  stream << "function " << function.getName() << '\n';
  printSlots(function, "param", blockBytes(body.getArgument(0)), stream);
  printSlots(function, "state", blockBytes(body.getArgument(1)), stream);

  SmallVector<dl::KernelOp> kernels;
  function.walk([&](dl::KernelOp kernel) { kernels.push_back(kernel); });
  llvm::MapVector<Value, Row> rows;
  for (auto [step, kernel] : llvm::enumerate(kernels))
    for (Value value : kernel->getOperands()) {
      while (auto entry = value.getDefiningOp<dl::EntryOp>())
        value = entry.getStack();
      auto buffer = value.getDefiningOp<dl::BufferOp>();
      if (!buffer || buffer.getBlock() != arena)
        continue;
      auto type = cast<MemRefType>(value.getType());
      Row row{kernel.getName().str(),
              typeText(type.getShape(), type.getElementType()),
              static_cast<int64_t>(buffer.getOffset()),
              bytesOf(type),
              static_cast<unsigned>(step + 1),
              0};
      rows.insert({value, row}).first->second.last = step + 1;
    }
  stream << llvm::formatv("arena {0}\n", sizeText(blockBytes(arena)));
  auto sorted = rows.takeVector();
  llvm::sort(sorted, [](const auto &a, const auto &b) {
    return std::pair(a.second.offset, a.second.first) < std::pair(b.second.offset, b.second.first);
  });
  for (const auto &[value, row] : sorted)
    stream << llvm::formatv("  {0,-28} @{1,-10} {2,-20} steps {3}-{4}\n", row.name, row.offset, row.type, row.first,
                            row.last);
  stream << "steps\n";
  int64_t peak = 0;
  StringRef peakName;
  for (auto [index, kernel] : llvm::enumerate(kernels)) {
    int64_t live = 0;
    for (const auto &[value, row] : sorted)
      if (row.first <= index + 1 && index + 1 <= row.last)
        live += row.bytes;
    stream << llvm::formatv("  {0,3} {1,-28} {2,-10} live {3}\n", index + 1, kernel.getName(),
                            dl::stringifyKernelKind(kernel.getKind()), sizeText(live));
    if (live > peak) {
      peak = live;
      peakName = kernel.getName();
    }
  }
  if (peak > 0)
    stream << llvm::formatv("peak {0} while {1}\n", sizeText(peak), peakName);
}

} // namespace

std::string planTable(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  for (func::FuncOp function : module.getOps<func::FuncOp>())
    if (function->hasAttr("dl.slots"))
      printFunction(function, stream);
  return text;
}

} // namespace dlc

// A block is transposed in registers by as many exchanges of all rows as its width has bits: a few hundred instructions, on
// which LLVM spends more time than on the rest of a product. So it is a function, which a module has once.
#include "codegen/contract/Transpose.h"
#include "codegen/kernel/Emitters.h"
#include "codegen/kernel/PointEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace dlc {

/// Swaps the halves of every pair of groups of `distance` lanes between rows `distance` apart; doing so for every power of
/// two below the number of rows transposes them.
static void exchange(LoopNest &nest, MutableArrayRef<Value> rows, int64_t distance) {
  int64_t lanes = rows.size();
  SmallVector<int64_t> low, high;
  for (int64_t i = 0; i < lanes; ++i) {
    bool second = i & distance;
    low.push_back(second ? lanes + i - distance : i);
    high.push_back(second ? lanes + i : i + distance);
  }
  for (int64_t i = 0; i < lanes; ++i) {
    if (i & distance)
      continue;
    Value a = rows[i], b = rows[i + distance];
    rows[i] = vector::ShuffleOp::create(nest.here(), nest.loc, a, b, low);
    rows[i + distance] = vector::ShuffleOp::create(nest.here(), nest.loc, a, b, high);
  }
}

namespace {
/// The body of the function.
class Transposer {
public:
  Transposer(PointEmitter &points, VectorType vector, Type element, ValueRange arguments)
      : points(points), nest(points.nest), scalar(vector.getElementType()), element(element),
        lanes(vector.getNumElements()), from(arguments[0]), stride(arguments[1]), to(arguments[2]),
        width(arguments[3]) {
    all.lanes = lanes;
  }

  /// All rows at once.
  void emitWhole() {
    SmallVector<Value> rows;
    for (int64_t i = 0; i < lanes; ++i) {
      rows.push_back(points.load(from, element, inLanes(), all));
      from = behind(from, memoryType(element), stride);
    }
    for (int64_t distance = lanes / 2; distance >= 1; distance /= 2)
      exchange(nest, rows, distance);
    for (int64_t i = 0; i < lanes; ++i) {
      points.store(to, scalar, inLanes(), all, rows[i]);
      to = behind(to, scalar, width);
    }
  }

  /// Column by column: these are few.
  void emitPart(Value rows, Value columns) {
    Value step = numbers(), count = points.splat(rows, lanes);
    Value mask = arith::CmpIOp::create(nest.here(), nest.loc, arith::CmpIPredicate::slt, step, count);
    Value offsets = arith::MulIOp::create(nest.here(), nest.loc, step, points.splat(stride, lanes));
    nest.loop(nest.constant(0), columns, 1, {}, [&](Value column, ValueRange) {
      Value value = points.gather(behind(from, memoryType(element), column), element, offsets, mask);
      Value row = arith::MulIOp::create(nest.here(), nest.loc, column, width);
      points.store(behind(to, scalar, row), scalar, inLanes(), all, value);
      return SmallVector<Value>{};
    });
  }

private:
  Index inLanes() { return points.indices.lanes({}, 0, {0, lanes - 1}); }
  Value behind(Value pointer, Type memory, Value distance) {
    return LLVM::GEPOp::create(nest.here(), nest.loc, pointer.getType(), memory, pointer,
                               ArrayRef<LLVM::GEPArg>{distance}, LLVM::GEPNoWrapFlags::inbounds);
  }
  /// 0, 1, 2 and so on.
  Value numbers() {
    SmallVector<int64_t> numbers(lanes);
    std::iota(numbers.begin(), numbers.end(), 0);
    auto type = VectorType::get(lanes, nest.here().getI64Type());
    return arith::ConstantOp::create(nest.here(), nest.loc, DenseIntElementsAttr::get(type, numbers));
  }

  PointEmitter &points;
  LoopNest &nest;
  Type scalar, element;
  int64_t lanes;
  Value from, stride, to, width;
  Point all;
};
} // namespace

func::FuncOp blockTransposer(KernelFunction &function, VectorType vector, Type element, bool whole) {
  OpBuilder &builder = function.builder;
  OpBuilder::InsertionGuard guard(builder);
  auto module = function.begin.getParentBlock()->getParentOp()->getParentOfType<ModuleOp>();
  // No kernel has a name of this form: there is nothing but a number behind its second dot.
  std::string name;
  llvm::raw_string_ostream(name) << "dlc.transpose." << element << 'x' << vector.getNumElements()
                                 << (whole ? "" : ".part");
  if (auto known = module.lookupSymbol<func::FuncOp>(name))
    return known;
  builder.setInsertionPointToStart(module.getBody());
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext()), i64 = builder.getI64Type();
  SmallVector<Type> types{pointer, i64, pointer, i64};
  if (!whole)
    types.append({i64, i64});
  Location loc = module.getLoc();
  auto transposer = func::FuncOp::create(builder, loc, name, builder.getFunctionType(types, {}));
  transposer.setPrivate();
  transposer->setAttr("llvm.linkage", LLVM::LinkageAttr::get(builder.getContext(), LLVM::Linkage::Internal));
  Block *entry = transposer.addEntryBlock();
  builder.setInsertionPointToStart(entry);
  func::ReturnOp::create(builder, loc);
  builder.setInsertionPoint(&entry->back());
  PointEmitter points(builder, loc, function.target, function.kernel, function.buffers);
  Transposer body(points, vector, element, entry->getArguments().take_front(4));
  if (whole)
    body.emitWhole();
  else
    body.emitPart(entry->getArgument(4), entry->getArgument(5));
  return transposer;
}

} // namespace dlc

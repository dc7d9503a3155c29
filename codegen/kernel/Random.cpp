// dl.random: the formulas of runtime/Philox.h as vector code. The stream's key is computed once, outside all loops. Numbers
// are drawn by a function, which a module has once: LLVM spends longer on its ten rounds than on the rest of a kernel that
// makes the first values of a parameter, and a model has many of these.
#include "codegen/kernel/Arithmetic.h"
#include "codegen/kernel/MathEmitter.h"
#include "codegen/kernel/PointEmitter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace dlc {

static Value mix64(const Arithmetic &a, Value z) {
  z = a.addi(z, static_cast<int64_t>(0x9E3779B97F4A7C15u));
  z = a.muli(a.xori(z, a.shiftRight(z, 30)), a.integer(z, static_cast<int64_t>(0xBF58476D1CE4E5B9u)));
  z = a.muli(a.xori(z, a.shiftRight(z, 27)), a.integer(z, static_cast<int64_t>(0x94D049BB133111EBu)));
  return a.xori(z, a.shiftRight(z, 31));
}

namespace {
struct Philox {
  const Arithmetic &a;
  Type word; ///< i32, or a vector of them

  Value narrow(Value x) const {
    Type type = withElement(x.getType(), a.builder.getI32Type());
    return x.getType() == type ? x : Value(arith::TruncIOp::create(a.builder, a.loc, type, x));
  }
  Value spread(Value scalar) const {
    if (scalar.getType() == word)
      return scalar;
    return vector::BroadcastOp::create(a.builder, a.loc, word, scalar);
  }
  /// The words of blocks `block` (an i64, or a vector of i32 or i64).
  std::array<Value, 4> words(Value block, Value key, Value step) const {
    Value low = narrow(block), high = a.integer(low, 0);
    if (getElementTypeOrSelf(block.getType()).isInteger(64))
      high = narrow(a.shiftRight(block, 32));
    std::array<Value, 4> x{low, high, spread(narrow(step)), spread(narrow(a.shiftRight(step, 32)))};
    Value key0 = spread(narrow(key)), key1 = spread(narrow(a.shiftRight(key, 32)));
    for (int round = 0; round < 10; ++round) {
      auto product = [&](Value factor, int64_t by) {
        auto wide =
            arith::MulUIExtendedOp::create(a.builder, a.loc, factor, a.integer(factor, static_cast<int32_t>(by)));
        return std::pair<Value, Value>(wide.getLow(), wide.getHigh());
      };
      auto [lowA, highA] = product(x[0], 0xD2511F53);
      auto [lowB, highB] = product(x[2], 0xCD9E8D57);
      x = {a.xori(a.xori(highB, x[1]), key0), lowB, a.xori(a.xori(highA, x[3]), key1), lowA};
      key0 = a.addi(key0, static_cast<int32_t>(0x9E3779B9));
      key1 = a.addi(key1, static_cast<int32_t>(0xBB67AE85));
    }
    return x;
  }
};
} // namespace

/// The numbers of blocks (an i64, or a vector of i32 or i64), word `which` of each (an i32, or as many).
static Value draw(OpBuilder &builder, Location loc, bool uniform, ValueRange arguments) {
  Value blocks = arguments[0], which = arguments[1], key = arguments[2], step = arguments[3];
  Arithmetic a{builder, loc};
  Philox philox{a, which.getType()};
  auto words = philox.words(blocks, key, step);
  Value low = a.equals(a.andi(which, 2), 0), isEven = a.equals(a.andi(which, 1), 0);
  if (uniform) {
    Value first = a.select(isEven, words[0], words[1]), second = a.select(isEven, words[2], words[3]);
    Value bits = a.shiftRight(a.select(low, first, second), 8);
    Value number = a.toFloat(bits, withElement(bits.getType(), builder.getF32Type()));
    return a.mul(number, a.real(number, 0x1p-24));
  }
  Type real = withElement(words[0].getType(), builder.getF64Type());
  auto fraction = [&](Value word, double offset) {
    Value number = arith::UIToFPOp::create(builder, loc, real, word);
    return a.mul(a.add(number, a.real(number, offset)), a.real(number, 0x1p-32));
  };
  Value u = fraction(a.select(low, words[0], words[2]), 1), v = fraction(a.select(low, words[1], words[3]), 0);
  MathEmitter math(builder, loc);
  Value log = math.log(u);
  Value radius = a.sqrt(a.mul(log, a.real(log, -2)));
  Value angle = a.mul(v, a.real(v, 6.283185307179586));
  Value turn = a.select(isEven, math.cos(angle), math.sin(angle));
  return a.truncate(a.mul(radius, turn), builder.getF32Type());
}

/// The function that draws for arguments of these types.
static func::FuncOp drawingFunction(OpBuilder &builder, bool uniform, ValueRange arguments) {
  auto module = builder.getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
  std::string name;
  llvm::raw_string_ostream stream(name);
  stream << "dlc." << (uniform ? "uniform." : "normal.") << getElementTypeOrSelf(arguments[0].getType());
  if (auto vector = dyn_cast<VectorType>(arguments[0].getType()))
    stream << 'x' << vector.getNumElements();
  if (auto known = module.lookupSymbol<func::FuncOp>(name))
    return known;
  OpBuilder inside = OpBuilder::atBlockBegin(module.getBody());
  Location loc = module.getLoc();
  Type result = withElement(arguments[1].getType(), builder.getF32Type());
  auto function = func::FuncOp::create(inside, loc, name, builder.getFunctionType(arguments.getTypes(), result));
  function.setPrivate();
  function->setAttr("llvm.linkage", LLVM::LinkageAttr::get(builder.getContext(), LLVM::Linkage::Internal));
  inside.setInsertionPointToStart(function.addEntryBlock());
  Value numbers = draw(inside, loc, uniform, function.getArguments());
  func::ReturnOp::create(inside, loc, numbers);
  return function;
}

Value emitRandom(PointEmitter &emitter, dl::RandomOp op, const Point &point) {
  LoopNest &nest = emitter.nest;
  Location loc = op.getLoc();
  Point scalar;
  Value seed = emitter.at(op.getSeed(), scalar), step = emitter.at(op.getStep(), scalar);
  SmallVector<Value> indices;
  for (Value index : op.getIndices())
    indices.push_back(emitter.at(index, scalar));

  SmallVector<Value> inputs{seed, emitter.pathOf(op)};
  inputs.append(indices);
  Arithmetic outside{nest.place(inputs), loc};
  Value key = mix64(outside, seed);
  key = mix64(outside, outside.xori(key, emitter.pathOf(op)));
  for (Value index : indices)
    key = mix64(outside, outside.xori(key, index));

  auto shape = cast<RankedTensorType>(op.getResult().getType()).getShape();
  Index element = emitter.indices.linearize(point.indices, shape);
  Index group = emitter.indices.floorDiv(element, 16);
  Index block = emitter.indices.floorDiv(element, 64) * 16 + emitter.indices.mod(element, 16);
  Value blocks = emitter.materialize(block, point.lanes);
  Value which = emitter.materialize(emitter.indices.mod(group, 4), point.lanes);
  if (auto vector = dyn_cast<VectorType>(which.getType()); !vector || vector.getElementType().isInteger(64))
    which = arith::TruncIOp::create(nest.place(which), loc, withElement(which.getType(), nest.builder.getI32Type()), which);
  // Lanes may share a block and take different words of it, or the other way round.
  if (isa<VectorType>(blocks.getType()) || isa<VectorType>(which.getType())) {
    blocks = emitter.splat(blocks, point.lanes);
    which = emitter.splat(which, point.lanes);
  }
  Value arguments[] = {blocks, which, key, step};
  bool uniform = op.getDistribution() == dl::Distribution::uniform;
  func::FuncOp function = drawingFunction(nest.builder, uniform, arguments);
  return func::CallOp::create(nest.place(arguments), loc, function, arguments).getResult(0);
}

} // namespace dlc

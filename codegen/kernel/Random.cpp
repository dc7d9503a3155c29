// dl.random: the formulas of runtime/Philox.h as vector code. The stream's key is computed once, outside all loops.
#include "codegen/kernel/Arithmetic.h"
#include "codegen/kernel/MathEmitter.h"
#include "codegen/kernel/PointEmitter.h"
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
  Arithmetic a{nest.place({blocks, which, key, step}), loc};
  if (block.varies())
    which = emitter.splat(which, point.lanes);
  nest.place({blocks, which, key, step});
  Philox philox{a, withElement(blocks.getType(), a.builder.getI32Type())};
  auto words = philox.words(blocks, key, step);

  bool uniform = op.getDistribution() == dl::Distribution::uniform;
  Value low = a.equals(a.andi(which, 2), 0), isEven = a.equals(a.andi(which, 1), 0);
  if (uniform) {
    Value first = a.select(isEven, words[0], words[1]), second = a.select(isEven, words[2], words[3]);
    Value bits = a.shiftRight(a.select(low, first, second), 8);
    Value number = a.toFloat(bits, withElement(bits.getType(), a.builder.getF32Type()));
    return a.mul(number, a.real(number, 0x1p-24));
  }
  Type real = withElement(words[0].getType(), a.builder.getF64Type());
  auto fraction = [&](Value word, double offset) {
    Value number = arith::UIToFPOp::create(a.builder, loc, real, word);
    return a.mul(a.add(number, a.real(number, offset)), a.real(number, 0x1p-32));
  };
  Value u = fraction(a.select(low, words[0], words[2]), 1), v = fraction(a.select(low, words[1], words[3]), 0);
  MathEmitter math(a.builder, loc);
  Value log = math.log(u);
  Value radius = a.sqrt(a.mul(log, a.real(log, -2)));
  Value angle = a.mul(v, a.real(v, 6.283185307179586));
  Value turn = a.select(isEven, math.cos(angle), math.sin(angle));
  return a.truncate(a.mul(radius, turn), a.builder.getF32Type());
}

} // namespace dlc

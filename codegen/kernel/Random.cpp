// dl.random: the formulas of runtime/Philox.h as vector code. The stream's key is computed once, outside all loops. Numbers
// are drawn by functions, which a module has once: LLVM spends longer on their ten rounds than on the rest of a kernel that
// makes the first values of a parameter, and a model has many of these. Elements that follow one another are drawn 64 at a
// time, the numbers of sixteen blocks, into memory on the stack; others each by itself.
#include "codegen/kernel/Arithmetic.h"
#include "codegen/kernel/PointEmitter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
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
    bool isLong = getElementTypeOrSelf(block.getType()).isInteger(64);
    Value low = narrow(block);
    return words(low, isLong ? narrow(a.shiftRight(block, 32)) : a.integer(low, 0), key, step);
  }
  std::array<Value, 4> words(Value low, Value high, Value key, Value step) const {
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

/// A uniform number of each word.
static Value uniformOf(const Arithmetic &a, Value word) {
  Value number = a.toFloat(a.shiftRight(word, 8), withElement(word.getType(), a.builder.getF32Type()));
  return a.mul(number, a.real(number, 0x1p-24));
}

/// The natural logarithm of normal f64 in (0, 1]: 2 atanh((m - 1) / (m + 1)) of the fraction m in [sqrt(1/2), sqrt(2)), by
/// its series, and the exponent's share.
static Value logOf(const Arithmetic &a, Value x) {
  constexpr int64_t rootHalf = 0x3FE6A09E667F3BCD;
  Value bits = a.bitsOf(x);
  Value exponent = a.shiftSigned(a.addi(bits, -rootHalf), 52);
  Value fraction = a.fromBits(a.subi(bits, a.shiftLeft(exponent, 52)), x.getType());
  Value less = a.add(fraction, a.real(x, -1)), more = a.add(fraction, a.real(x, 1));
  Value s = a.div(less, more), square = a.mul(s, s);
  SmallVector<double> series;
  for (int term = 1; term <= 21; term += 2)
    series.push_back(2.0 / term);
  Value count = a.toFloat(exponent, x.getType());
  return a.fma(0.6931471805599453, count, a.mul(s, a.polynomial(square, series)));
}

namespace {
/// Two normal numbers of two words: distance and direction of a point of the plane, in f64.
struct BoxMuller {
  const Arithmetic &a;
  Value radius, sine, cosine;

  BoxMuller(const Arithmetic &a, Value first, Value second) : a(a) {
    Value log = logOf(a, a.mul(a.add(real(first), a.real(real(first), 1)), a.real(real(first), 0x1p-32)));
    radius = a.sqrt(a.mul(log, a.real(log, -2)));
    turn(second);
  }
  Value real(Value word) const {
    return arith::UIToFPOp::create(a.builder, a.loc, withElement(word.getType(), a.builder.getF64Type()), word);
  }
  /// Sine and cosine of word / 2^32 turns: of what it is more or less than the nearest quarter, at most pi / 4, by their
  /// series.
  void turn(Value word) {
    Value quarter = a.shiftRight(a.addi(word, int64_t(1) << 29), 30);
    Value rest = a.subi(word, a.shiftLeft(quarter, 30)); // as a signed number, of -2^29 .. 2^29
    Value r = a.toFloat(rest, withElement(word.getType(), a.builder.getF64Type()));
    r = a.mul(r, a.real(r, 6.283185307179586 * 0x1p-32));
    Value square = a.mul(r, r);
    SmallVector<double> sines, cosines;
    double factorial = 1;
    for (int n = 0; n <= 16; n += 2) {
      double sign = n % 4 ? -1 : 1;
      cosines.push_back(sign / factorial);
      sines.push_back(sign / (factorial *= n + 1));
      factorial *= n + 2;
    }
    Value sin = a.mul(r, a.polynomial(square, sines)), cos = a.polynomial(square, cosines);
    // A quarter on, the cosine is minus what the sine was, and the sine what the cosine was.
    Value isOdd = a.equals(a.andi(quarter, 1), 1);
    auto negatedIf = [&](Value condition, Value x) { return a.select(condition, a.neg(x), x); };
    Value isBehind = a.equals(a.andi(a.addi(quarter, 1), 2), 2), isBelow = a.equals(a.andi(quarter, 2), 2);
    cosine = negatedIf(isBehind, a.select(isOdd, sin, cos));
    sine = negatedIf(isBelow, a.select(isOdd, cos, sin));
  }
  Value along(Value direction) const { return a.truncate(a.mul(radius, direction), a.builder.getF32Type()); }
};

/// Functions that a module has once, by name. Those whose name begins with `dlc.` are compiled once for all modules.
struct Drawing {
  OpBuilder &builder;
  bool uniform;
  const Target &target;

  ModuleOp module() const { return builder.getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>(); }
  Type pointer() const { return LLVM::LLVMPointerType::get(builder.getContext()); }

  using Body = llvm::function_ref<Value(OpBuilder &, Location, ValueRange)>;
  func::FuncOp function(const Twine &prefix, const Twine &name, TypeRange arguments, Type result, Body body) const {
    std::string whole = (prefix + Twine(uniform ? "uniform" : "normal") + "." + name).str();
    if (auto known = module().lookupSymbol<func::FuncOp>(whole))
      return known;
    OpBuilder inside = OpBuilder::atBlockBegin(module().getBody());
    Location loc = module().getLoc();
    auto type = builder.getFunctionType(arguments, result ? TypeRange(result) : TypeRange());
    auto function = func::FuncOp::create(inside, loc, whole, type);
    function.setPrivate();
    function->setAttr("llvm.linkage", LLVM::LinkageAttr::get(builder.getContext(), LLVM::Linkage::Internal));
    inside.setInsertionPointToStart(function.addEntryBlock());
    Value value = body(inside, loc, function.getArguments());
    func::ReturnOp::create(inside, loc, result ? ValueRange(value) : ValueRange());
    return function;
  }
  func::FuncOp single(Value blocks, Value which) const;
  func::FuncOp group() const;
  func::FuncOp run(int64_t lanes) const;
};
} // namespace

/// (blocks: an i64, or a vector of i32 or i64; word of each: an i32, or as many; key, step) -> their numbers.
func::FuncOp Drawing::single(Value blocks, Value which) const {
  std::string name;
  llvm::raw_string_ostream stream(name);
  stream << getElementTypeOrSelf(blocks.getType());
  if (auto vector = dyn_cast<VectorType>(blocks.getType()))
    stream << 'x' << vector.getNumElements();
  Type i64 = builder.getI64Type(), result = withElement(which.getType(), builder.getF32Type());
  return function("dlc.", name, {blocks.getType(), which.getType(), i64, i64}, result,
                  [&](OpBuilder &inside, Location loc, ValueRange arguments) -> Value {
                    Arithmetic a{inside, loc};
                    auto words = Philox{a, arguments[1].getType()}.words(arguments[0], arguments[2], arguments[3]);
                    Value low = a.equals(a.andi(arguments[1], 2), 0), isEven = a.equals(a.andi(arguments[1], 1), 0);
                    Value first = a.select(low, words[0], words[2]), second = a.select(low, words[1], words[3]);
                    if (uniform)
                      return uniformOf(a, a.select(isEven, first, second));
                    BoxMuller pair(a, first, second);
                    return pair.along(a.select(isEven, pair.cosine, pair.sine));
                  });
}

/// (memory, g, key, step): writes elements 64 g .. 64 g + 63.
func::FuncOp Drawing::group() const {
  Type i64 = builder.getI64Type();
  return function(
      "dlc.", "group", {pointer(), i64, i64, i64}, Type(), [&](OpBuilder &inside, Location loc, ValueRange arguments) {
        int64_t lanes = std::min(16, target.lanes(inside.getF32Type()));
        auto constant = [&](int64_t value) { return Value(arith::ConstantIntOp::create(inside, loc, value, 64)); };
        auto loop = scf::ForOp::create(inside, loc, constant(0), constant(16), constant(lanes));
        OpBuilder::InsertionGuard guard(inside);
        inside.setInsertionPointToStart(loop.getBody());
        Arithmetic a{inside, loc};
        Philox philox{a, VectorType::get(lanes, inside.getI32Type())};
        Value block = a.addi(a.muli(arguments[1], constant(16)), loop.getInductionVar());
        SmallVector<int32_t> ramp = llvm::to_vector<16>(llvm::seq<int32_t>(0, int32_t(lanes)));
        Value lane = arith::ConstantOp::create(inside, loc, inside.getI32VectorAttr(ramp));
        Value low = a.addi(philox.spread(philox.narrow(block)), lane);
        auto words =
            philox.words(low, philox.spread(philox.narrow(a.shiftRight(block, 32))), arguments[2], arguments[3]);
        std::array<Value, 4> numbers;
        for (int word = 0; word < 4; word += 2)
          if (uniform) {
            numbers[word] = uniformOf(a, words[word]);
            numbers[word + 1] = uniformOf(a, words[word + 1]);
          } else {
            BoxMuller pair(a, words[word], words[word + 1]);
            numbers[word] = pair.along(pair.cosine);
            numbers[word + 1] = pair.along(pair.sine);
          }
        for (int word = 0; word < 4; ++word) {
          Value place = LLVM::GEPOp::create(inside, loc, pointer(), inside.getF32Type(), arguments[0],
                                            ArrayRef<LLVM::GEPArg>{a.addi(loop.getInductionVar(), word * 16)});
          LLVM::StoreOp::create(inside, loc, numbers[word], place, 4);
        }
        return Value();
      });
}

/// What a run has in memory: the group that it drew last, then that group's numbers, and room for those of the next.
static constexpr int64_t numbersBehind = 64, stateBytes = numbersBehind + 2 * 64 * 4;

/// (state, first, key, step) -> elements first .. first + lanes - 1. Where a run ends in the next group, that is drawn for
/// it alone: runs of a length that divides 64 never do.
func::FuncOp Drawing::run(int64_t lanes) const {
  func::FuncOp draw = group();
  Type i64 = builder.getI64Type(), f32 = builder.getF32Type(), byte = builder.getI8Type();
  auto result = VectorType::get(lanes, f32);
  return function("", "run" + Twine(lanes), {pointer(), i64, i64, i64}, result,
                  [&](OpBuilder &inside, Location loc, ValueRange arguments) -> Value {
                    Arithmetic a{inside, loc};
                    Value state = arguments[0], first = arguments[1];
                    auto behind = [&](Value place, Type element, LLVM::GEPArg distance) -> Value {
                      return LLVM::GEPOp::create(inside, loc, pointer(), element, place, ArrayRef{distance});
                    };
                    Value group = a.shiftSigned(first, 6), at = a.andi(first, 63);
                    Value numbers = behind(state, byte, int32_t(numbersBehind));
                    auto drawInto = [&](OpBuilder &builder, Location loc, Value memory, Value which) {
                      func::CallOp::create(builder, loc, draw, ValueRange{memory, which, arguments[2], arguments[3]});
                    };
                    using Predicate = arith::CmpIPredicate;
                    Value drawn = LLVM::LoadOp::create(inside, loc, i64, state, 8);
                    Value other = arith::CmpIOp::create(inside, loc, Predicate::ne, drawn, group);
                    scf::IfOp::create(inside, loc, other, [&](OpBuilder &builder, Location loc) {
                      LLVM::StoreOp::create(builder, loc, group, state, 8);
                      drawInto(builder, loc, numbers, group);
                      scf::YieldOp::create(builder, loc);
                    });
                    Value last = a.integer(at, 64 - lanes);
                    Value crosses = arith::CmpIOp::create(inside, loc, Predicate::ugt, at, last);
                    Value next = a.addi(group, 1), further = behind(numbers, f32, int32_t(64));
                    scf::IfOp::create(inside, loc, crosses, [&](OpBuilder &builder, Location loc) {
                      drawInto(builder, loc, further, next);
                      scf::YieldOp::create(builder, loc);
                    });
                    return LLVM::LoadOp::create(inside, loc, result, behind(numbers, f32, at), 4);
                  });
}

/// Memory for runs, in which no group was drawn yet; of the whole function, in which key and step do not change.
static Value emptyState(PointEmitter &emitter) {
  Location loc = emitter.nest.loc;
  Block *entry = emitter.nest.here().getInsertionBlock();
  while (!isa<func::FuncOp>(entry->getParentOp()))
    entry = entry->getParentOp()->getBlock();
  OpBuilder builder = OpBuilder::atBlockBegin(entry);
  Value bytes = arith::ConstantIntOp::create(builder, loc, stateBytes, 64);
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext());
  Value state = LLVM::AllocaOp::create(builder, loc, pointer, builder.getI8Type(), bytes, 64);
  Value none = arith::ConstantIntOp::create(builder, loc, std::numeric_limits<int64_t>::min(), 64);
  LLVM::StoreOp::create(builder, loc, none, state, 8);
  return state;
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

  bool uniform = op.getDistribution() == dl::Distribution::uniform;
  Drawing drawing{nest.builder, uniform, emitter.target};
  auto shape = cast<RankedTensorType>(op.getResult().getType()).getShape();
  Index element = emitter.indices.linearize(point.indices, shape);
  Access access = accessOf(element, emitter.indices);
  if (access.kind == Access::Strided && access.stride == 1 && point.lanes <= 64) {
    Value &state = emitter.randomStates[op];
    if (!state)
      state = emptyState(emitter);
    Value first = emitter.materialize(access.base, 1);
    Value arguments[] = {state, first, key, step};
    return func::CallOp::create(nest.place(arguments), loc, drawing.run(point.lanes), arguments).getResult(0);
  }

  Index group = emitter.indices.floorDiv(element, 16);
  Index block = emitter.indices.floorDiv(element, 64) * 16 + emitter.indices.mod(element, 16);
  Value blocks = emitter.materialize(block, point.lanes);
  Value which = emitter.materialize(emitter.indices.mod(group, 4), point.lanes);
  if (auto vector = dyn_cast<VectorType>(which.getType()); !vector || vector.getElementType().isInteger(64))
    which =
        arith::TruncIOp::create(nest.place(which), loc, withElement(which.getType(), nest.builder.getI32Type()), which);
  // Lanes may share a block and take different words of it, or the other way round.
  if (isa<VectorType>(blocks.getType()) || isa<VectorType>(which.getType())) {
    blocks = emitter.splat(blocks, point.lanes);
    which = emitter.splat(which, point.lanes);
  }
  Value arguments[] = {blocks, which, key, step};
  return func::CallOp::create(nest.place(arguments), loc, drawing.single(blocks, which), arguments).getResult(0);
}

} // namespace dlc

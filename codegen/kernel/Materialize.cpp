// Indices, masks and constants as values: what a point's numbers become in registers.
#include "codegen/kernel/Emitters.h"
#include "codegen/kernel/PointEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Support/xxhash.h"
#include <tuple>

using namespace mlir;

namespace dlc {

Type registerType(Type element) {
  if (element.isBF16())
    return Float32Type::get(element.getContext());
  if (element.isUnsignedInteger())
    return IntegerType::get(element.getContext(), element.getIntOrFloatBitWidth());
  return element;
}

Type memoryType(Type element) {
  if (element.isBF16())
    return IntegerType::get(element.getContext(), 16);
  if (element.isInteger(1))
    return IntegerType::get(element.getContext(), 8);
  return registerType(element);
}

Type withElement(Type type, Type element) {
  auto vector = dyn_cast<VectorType>(type);
  return vector ? Type(VectorType::get(vector.getShape(), element)) : element;
}

TypedAttr splatAttr(Type type, TypedAttr element) {
  auto vector = dyn_cast<VectorType>(type);
  return vector ? TypedAttr(DenseElementsAttr::get(vector, Attribute(element))) : element;
}

Value floatConstant(OpBuilder &builder, Location loc, Type type, double value) {
  Type element = getElementTypeOrSelf(type);
  return arith::ConstantOp::create(builder, loc, splatAttr(type, builder.getFloatAttr(element, value)));
}

Value intConstant(OpBuilder &builder, Location loc, Type type, int64_t value) {
  Type element = getElementTypeOrSelf(type);
  return arith::ConstantOp::create(builder, loc, splatAttr(type, builder.getIntegerAttr(element, value)));
}

Value PointEmitter::splat(Value scalar, int64_t lanes) {
  if (isa<VectorType>(scalar.getType()))
    return scalar;
  std::vector<int64_t> key{-2, lanes, reinterpret_cast<int64_t>(scalar.getAsOpaquePointer())};
  if (Value known = recall(key))
    return known;
  auto type = VectorType::get(lanes, scalar.getType());
  Value vector = vector::BroadcastOp::create(nest.place(scalar), nest.loc, type, scalar);
  remember(std::move(key), vector);
  return vector;
}

Value PointEmitter::tailMask(int64_t live, int64_t lanes) {
  if (live >= lanes)
    return {};
  std::vector<int64_t> key{-3, lanes, live};
  if (Value known = recall(key))
    return known;
  SmallVector<bool> bits(lanes, false);
  std::fill(bits.begin(), bits.begin() + live, true);
  OpBuilder &builder = nest.place({});
  auto type = VectorType::get(lanes, builder.getI1Type());
  Value mask = arith::ConstantOp::create(builder, nest.loc, DenseElementsAttr::get(type, bits));
  remember(std::move(key), mask);
  return mask;
}

static constexpr auto noWrap = arith::IntegerOverflowFlags::nsw;
static arith::IntegerOverflowFlagsAttr flagsFor(OpBuilder &builder, bool isUnsigned) {
  auto flags = isUnsigned ? noWrap | arith::IntegerOverflowFlags::nuw : noWrap;
  return arith::IntegerOverflowFlagsAttr::get(builder.getContext(), flags);
}

Value PointEmitter::emitQuotient(const Atom &atom, int64_t lanes, Type type) {
  Value inner = materialize(atom.inner, lanes);
  OpBuilder &builder = nest.place(inner);
  Value divisor = intConstant(builder, nest.loc, inner.getType(), atom.divisor);
  Value quotient = arith::DivUIOp::create(builder, nest.loc, inner, divisor);
  if (quotient.getType() == type || !isa<VectorType>(type))
    return quotient;
  bool widen = getElementTypeOrSelf(type).isInteger(64);
  return widen ? Value(arith::ExtUIOp::create(builder, nest.loc, type, quotient))
               : Value(arith::TruncIOp::create(builder, nest.loc, type, quotient));
}

/// The value of an atom: an i64, or a vector of integers of `type`. Of the lanes atom without lanes (`lanes` 0), the
/// value of lane 0.
Value PointEmitter::materializeAtom(const Atom &atom, int64_t lanes, Type type) {
  Location loc = nest.loc;
  if (atom.kind == Atom::Quotient) {
    std::vector<int64_t> key{-6, atom.id, lanes, reinterpret_cast<int64_t>(type.getAsOpaquePointer())};
    if (Value known = recall(key))
      return known;
    Value quotient = emitQuotient(atom, lanes, type);
    remember(std::move(key), quotient);
    return quotient;
  }
  if (atom.kind == Atom::Variable) {
    if (atom.value.getType() == type)
      return atom.value;
    OpBuilder &builder = nest.place(atom.value);
    unsigned from = getElementTypeOrSelf(atom.value.getType()).getIntOrFloatBitWidth();
    unsigned to = getElementTypeOrSelf(type).getIntOrFloatBitWidth();
    return from < to ? Value(arith::ExtUIOp::create(builder, loc, type, atom.value))
                     : Value(arith::TruncIOp::create(builder, loc, type, atom.value));
  }
  // Lanes.
  OpBuilder &builder = nest.place({});
  SmallVector<APInt> steps;
  unsigned width = getElementTypeOrSelf(type).getIntOrFloatBitWidth();
  for (int64_t lane = 0; lane < lanes; ++lane)
    steps.push_back(APInt(width, static_cast<uint64_t>(lane + atom.offset)));
  Value ramp = arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(cast<VectorType>(type), steps));
  if (!atom.value)
    return ramp;
  OpBuilder &inner = nest.place(atom.value);
  Value base = atom.value;
  if (width < 64)
    base = arith::TruncIOp::create(inner, loc, inner.getIntegerType(width), base);
  base = splat(base, lanes);
  return arith::AddIOp::create(nest.place({base, ramp}), loc, base, ramp);
}

/// Scalar terms are summed from the outermost loop inwards, so that each loop adds its own part only.
Value PointEmitter::materialize(const Index &index, int64_t lanes) {
  std::vector<int64_t> key{-4, index.varies() ? lanes : 1};
  index.appendKey(key);
  if (Value known = recall(key))
    return known;
  Location loc = nest.loc;
  struct Term {
    unsigned depth;
    unsigned order;
    Value value;
    int64_t coefficient;
  };
  SmallVector<Term> scalars;
  SmallVector<std::pair<const Atom *, int64_t>> vectors;
  for (auto &[atom, coefficient] : index.terms) {
    if (atom->varies) {
      vectors.push_back({atom, coefficient});
      continue;
    }
    Value value = materializeAtom(*atom, 1, nest.builder.getI64Type());
    scalars.push_back({nest.depthOf(value), atom->id, value, coefficient});
  }
  llvm::sort(scalars,
             [](const Term &a, const Term &b) { return std::tie(a.depth, a.order) < std::tie(b.depth, b.order); });
  bool isUnsigned = index.constant >= 0 && llvm::all_of(index.terms, [](auto &term) {
                      return term.second >= 0 && term.first->range.low >= 0;
                    });
  Value sum = index.constant || scalars.empty() ? nest.constant(index.constant) : Value();
  for (const Term &term : scalars) {
    Value scaled = term.value;
    if (term.coefficient != 1) {
      Value factor = nest.constant(term.coefficient);
      OpBuilder &builder = nest.place({scaled, factor});
      scaled = arith::MulIOp::create(builder, loc, scaled, factor, flagsFor(builder, isUnsigned));
    }
    if (!sum) {
      sum = scaled;
      continue;
    }
    OpBuilder &builder = nest.place({sum, scaled});
    sum = arith::AddIOp::create(builder, loc, sum, scaled, flagsFor(builder, isUnsigned));
  }
  if (!vectors.empty()) {
    Range range = indices.range(index);
    bool narrow = range.low > -(int64_t(1) << 30) && range.high < (int64_t(1) << 30);
    for (auto &[atom, coefficient] : vectors)
      narrow &= atom->range.high < (int64_t(1) << 30) && std::abs(coefficient) < (int64_t(1) << 30);
    Type element = nest.builder.getIntegerType(narrow ? 32 : 64);
    auto type = VectorType::get(lanes, element);
    if (narrow)
      sum = arith::TruncIOp::create(nest.place(sum), loc, element, sum);
    sum = splat(sum, lanes);
    for (auto &[atom, coefficient] : vectors) {
      Value scaled = materializeAtom(*atom, lanes, type);
      if (coefficient != 1) {
        OpBuilder &builder = nest.place(scaled);
        scaled = arith::MulIOp::create(builder, loc, scaled, intConstant(builder, loc, type, coefficient));
      }
      sum = arith::AddIOp::create(nest.place({sum, scaled}), loc, sum, scaled);
    }
  }
  remember(std::move(key), sum);
  return sum;
}

/// A splat is a scalar constant; other constants become private globals, shared by their contents.
Value PointEmitter::emitConstant(dl::ConstantOp op, const Point &point) {
  auto type = cast<RankedTensorType>(op.getResult().getType());
  Type element = type.getElementType(), scalar = registerType(element);
  auto elements = cast<DenseElementsAttr>(op.getValue());
  Location loc = nest.loc;
  if (elements.isSplat()) {
    OpBuilder &builder = nest.place({});
    if (element.isBF16())
      return floatConstant(builder, loc, scalar, elements.getSplatValue<APFloat>().convertToFloat());
    if (isa<FloatType>(element))
      return arith::ConstantOp::create(builder, loc, FloatAttr::get(scalar, elements.getSplatValue<APFloat>()));
    return arith::ConstantOp::create(builder, loc, IntegerAttr::get(scalar, elements.getSplatValue<APInt>()));
  }
  Type memory = memoryType(element);
  DenseElementsAttr data = elements;
  auto flat = RankedTensorType::get(type.getNumElements(), memory);
  if (isa<FloatType>(element) && !element.isBF16()) {
    data = elements.reshape(RankedTensorType::get(type.getNumElements(), element));
  } else {
    SmallVector<APInt> values;
    unsigned width = memory.getIntOrFloatBitWidth();
    if (element.isBF16())
      for (APFloat value : elements.getValues<APFloat>())
        values.push_back(value.bitcastToAPInt());
    else
      for (APInt value : elements.getValues<APInt>())
        values.push_back(value.zextOrTrunc(width));
    data = DenseElementsAttr::get(flat, values);
  }
  auto module = nest.builder.getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
  // Named by contents, the same in every run: objects are cached by their text.
  auto bytes = data.getRawData();
  uint64_t hash = llvm::xxh3_64bits(ArrayRef(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()));
  std::string name;
  llvm::raw_string_ostream(name) << "constant_" << type.getNumElements() << "x" << memory << "_"
                                 << llvm::utohexstr(hash, /*LowerCase=*/true);
  if (!module.lookupSymbol(name)) {
    OpBuilder outside = OpBuilder::atBlockBegin(module.getBody());
    auto array = LLVM::LLVMArrayType::get(memory, type.getNumElements());
    LLVM::GlobalOp::create(outside, loc, array, /*isConstant=*/true, LLVM::Linkage::Private, name, data,
                           /*alignment=*/64);
  }
  OpBuilder &builder = nest.place({});
  Value buffer = LLVM::AddressOfOp::create(builder, loc, LLVM::LLVMPointerType::get(builder.getContext()), name);
  return emitLoad(buffer, element, indices.linearize(point.indices, type.getShape()), point, /*fixed=*/true);
}

} // namespace dlc

// Addresses, loads and stores: unit strides as vector accesses, stride zero as scalars, the rest as gathers.
#include "codegen/Emitters.h"
#include "codegen/PointEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Support/xxhash.h"

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

SmallVector<Value> loadBuffers(OpBuilder &builder, Location loc, Value args, unsigned count) {
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext());
  SmallVector<Value> buffers;
  for (unsigned i = 0; i < count; ++i) {
    Value place = LLVM::GEPOp::create(builder, loc, pointer, pointer, args, ArrayRef<LLVM::GEPArg>{int32_t(i)},
                                      LLVM::GEPNoWrapFlags::inbounds);
    buffers.push_back(LLVM::LoadOp::create(builder, loc, pointer, place));
  }
  return buffers;
}

bool staticStrides(MemRefType type, SmallVectorImpl<int64_t> &strides, int64_t &offset) {
  offset = 0;
  strides.clear();
  if (!type.hasStaticShape())
    return false;
  if (type.getNumElements() == 0) {
    strides.assign(type.getRank(), 0);
    return true;
  }
  return succeeded(type.getStridesAndOffset(strides, offset)) && !ShapedType::isDynamic(offset) &&
         llvm::none_of(strides, ShapedType::isDynamic);
}

Index addressIn(Type memref, ArrayRef<Index> point) {
  SmallVector<int64_t> strides;
  int64_t offset;
  staticStrides(cast<MemRefType>(memref), strides, offset);
  Index address = Index::of(offset);
  for (auto [index, stride] : llvm::zip_equal(point, strides))
    address = address + index * stride;
  return address;
}

Index PointEmitter::addressOf(Value memref, ArrayRef<Index> point) { return addressIn(memref.getType(), point); }

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

/// The value of an atom: an i64, or a vector of integers of `type`. Of the lanes atom without lanes (`lanes` 0), the value of
/// lane 0.
Value PointEmitter::materializeAtom(const Atom &atom, int64_t lanes, Type type) {
  Location loc = nest.loc;
  if (atom.kind == Atom::Quotient) {
    Value inner = materialize(atom.inner, lanes);
    OpBuilder &builder = nest.place(inner);
    Value divisor = intConstant(builder, loc, inner.getType(), atom.divisor);
    Value quotient = arith::DivUIOp::create(builder, loc, inner, divisor);
    if (quotient.getType() == type || !isa<VectorType>(type))
      return quotient;
    bool widen = getElementTypeOrSelf(type).isInteger(64);
    return widen ? Value(arith::ExtUIOp::create(builder, loc, type, quotient))
                 : Value(arith::TruncIOp::create(builder, loc, type, quotient));
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
  llvm::sort(scalars, [](const Term &a, const Term &b) { return std::tie(a.depth, a.order) < std::tie(b.depth, b.order); });
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

namespace {
/// How an address runs over the lanes.
struct Access {
  enum { Uniform, Strided, Scattered } kind;
  /// Of lane 0, for uniform and strided ones.
  Index base;
  int64_t stride = 0;
};
} // namespace

static Access classify(const Index &address, IndexContext &indices) {
  Access access{Access::Uniform, address, 0};
  for (auto &[atom, coefficient] : address.terms) {
    if (!atom->varies)
      continue;
    if (atom->kind != Atom::Lanes || access.kind != Access::Uniform)
      return {Access::Scattered, address, 0};
    access.kind = Access::Strided;
    access.stride = coefficient;
    access.base = access.base - Index{0, {{atom, coefficient}}} + atom->offset * coefficient;
    if (atom->value)
      access.base = access.base + indices.variable(atom->value, {0, atom->range.high}) * coefficient;
  }
  return access;
}

static Value addressAt(LoopNest &nest, Value buffer, Type memory, Value offset, int64_t constant) {
  Type pointer = buffer.getType();
  Value place = buffer;
  if (offset)
    place = LLVM::GEPOp::create(nest.place({buffer, offset}), nest.loc, pointer, memory, place,
                                ArrayRef<LLVM::GEPArg>{offset}, LLVM::GEPNoWrapFlags::inbounds);
  if (constant)
    place = LLVM::GEPOp::create(nest.place(place), nest.loc, pointer, memory, place,
                                ArrayRef<LLVM::GEPArg>{int32_t(constant)}, LLVM::GEPNoWrapFlags::inbounds);
  return place;
}

/// The pointer to an element at a uniform address; its constant part goes last, where it becomes a displacement.
static Value pointerTo(PointEmitter &emitter, Value buffer, Type memory, const Index &address) {
  Index linear = address;
  int64_t constant = address.constant;
  if (constant == static_cast<int32_t>(constant))
    linear.constant = 0;
  else
    constant = 0;
  Value offset = linear.isConstant() && linear.constant == 0 ? Value() : emitter.materialize(linear, 1);
  return addressAt(emitter.nest, buffer, memory, offset, constant);
}

static Value pointersTo(PointEmitter &emitter, Value buffer, Type memory, const Index &address, int64_t lanes) {
  Value offsets = emitter.materialize(address, lanes);
  Type pointers = VectorType::get(lanes, buffer.getType());
  return LLVM::GEPOp::create(emitter.nest.place({buffer, offsets}), emitter.nest.loc, pointers, memory, buffer,
                             ArrayRef<LLVM::GEPArg>{offsets}, LLVM::GEPNoWrapFlags::inbounds);
}

static Value reversed(LoopNest &nest, Value vector, int64_t lanes) {
  SmallVector<int64_t> order(lanes);
  for (int64_t lane = 0; lane < lanes; ++lane)
    order[lane] = lanes - 1 - lane;
  return vector::ShuffleOp::create(nest.place(vector), nest.loc, vector, vector, order);
}

/// From what memory holds to what registers hold.
static Value fromMemory(LoopNest &nest, Type element, Value raw) {
  OpBuilder &builder = nest.place(raw);
  if (element.isInteger(1)) {
    Value zero = intConstant(builder, nest.loc, raw.getType(), 0);
    return arith::CmpIOp::create(builder, nest.loc, arith::CmpIPredicate::ne, raw, zero);
  }
  if (!element.isBF16())
    return raw;
  Type wide = withElement(raw.getType(), builder.getI32Type());
  Value bits = arith::ExtUIOp::create(builder, nest.loc, wide, raw);
  bits = arith::ShLIOp::create(builder, nest.loc, bits, intConstant(builder, nest.loc, wide, 16));
  return arith::BitcastOp::create(builder, nest.loc, withElement(wide, builder.getF32Type()), bits);
}

static Value toMemory(LoopNest &nest, Type element, Value value) {
  OpBuilder &builder = nest.place(value);
  if (element.isInteger(1))
    return arith::ExtUIOp::create(builder, nest.loc, withElement(value.getType(), builder.getI8Type()), value);
  if (!element.isBF16())
    return value;
  Type wide = withElement(value.getType(), builder.getI32Type());
  Value bits = arith::BitcastOp::create(builder, nest.loc, wide, value);
  bits = arith::ShRUIOp::create(builder, nest.loc, bits, intConstant(builder, nest.loc, wide, 16));
  return arith::TruncIOp::create(builder, nest.loc, withElement(wide, builder.getIntegerType(16)), bits);
}

Value PointEmitter::load(Value buffer, Type element, const Index &address, const Point &point) {
  return emitLoad(buffer, element, address, point, /*fixed=*/false);
}

Value PointEmitter::emitLoad(Value buffer, Type element, const Index &address, const Point &point, bool fixed) {
  auto place = [&](ValueRange operands) -> OpBuilder & { return fixed ? nest.place(operands) : nest.here(); };
  Type memory = memoryType(element);
  unsigned alignment = std::max(1u, memory.getIntOrFloatBitWidth() / 8);
  Location loc = nest.loc;
  Access access = classify(address, indices);
  if (access.kind == Access::Uniform) {
    Value pointer = pointerTo(*this, buffer, memory, address);
    return fromMemory(nest, element, LLVM::LoadOp::create(place(pointer), loc, memory, pointer, alignment));
  }
  int64_t lanes = point.lanes;
  auto type = VectorType::get(lanes, memory);
  if (access.kind == Access::Strided && std::abs(access.stride) == 1) {
    bool backwards = access.stride < 0;
    Index first = backwards ? access.base + (1 - lanes) : access.base;
    Value pointer = pointerTo(*this, buffer, memory, first);
    Value vector;
    if (point.mask) {
      Value mask = backwards ? reversed(nest, point.mask, lanes) : point.mask;
      OpBuilder &builder = place({pointer, mask});
      Value zero = arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
      vector = LLVM::MaskedLoadOp::create(builder, loc, type, pointer, mask, zero, builder.getI32IntegerAttr(alignment),
                                          UnitAttr());
    } else {
      vector = LLVM::LoadOp::create(place(pointer), loc, type, pointer, alignment);
    }
    return fromMemory(nest, element, backwards ? reversed(nest, vector, lanes) : vector);
  }
  Value pointers = pointersTo(*this, buffer, memory, address, lanes);
  Value mask = point.mask;
  if (!mask) {
    OpBuilder &builder = nest.place({});
    mask = intConstant(builder, loc, VectorType::get(lanes, builder.getI1Type()), -1);
  }
  OpBuilder &builder = place({pointers, mask});
  Value zero = arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
  Value vector = LLVM::masked_gather::create(builder, loc, type, pointers, mask, zero, builder.getI32IntegerAttr(alignment));
  return fromMemory(nest, element, vector);
}

void PointEmitter::store(Value buffer, Type element, const Index &address, const Point &point, Value value) {
  Type memory = memoryType(element);
  unsigned alignment = std::max(1u, memory.getIntOrFloatBitWidth() / 8);
  Location loc = nest.loc;
  Access access = classify(address, indices);
  Value raw = toMemory(nest, element, access.kind == Access::Uniform ? value : splat(value, point.lanes));
  if (access.kind == Access::Strided && access.stride == 1) {
    Value place = pointerTo(*this, buffer, memory, access.base);
    if (point.mask)
      LLVM::MaskedStoreOp::create(nest.here(), loc, raw, place, point.mask, alignment);
    else
      LLVM::StoreOp::create(nest.here(), loc, raw, place, alignment);
    return;
  }
  if (access.kind == Access::Uniform) {
    Value place = pointerTo(*this, buffer, memory, address);
    LLVM::StoreOp::create(nest.here(), loc, raw, place, alignment);
    return;
  }
  Value places = pointersTo(*this, buffer, memory, address, point.lanes);
  OpBuilder &builder = nest.here();
  Value mask = point.mask;
  if (!mask)
    mask = intConstant(builder, loc, VectorType::get(point.lanes, builder.getI1Type()), -1);
  LLVM::masked_scatter::create(builder, loc, raw, places, mask, builder.getI32IntegerAttr(alignment));
}

void PointEmitter::store(unsigned out, const Point &point, Value value) {
  Value memref = kernel.getOuts()[out];
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  store(buffers[kernel.getIns().size() + out], element, addressOf(memref, point.indices), point, value);
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
    LLVM::GlobalOp::create(outside, loc, array, /*isConstant=*/true, LLVM::Linkage::Private, name, data, /*alignment=*/64);
  }
  OpBuilder &builder = nest.place({});
  Value buffer = LLVM::AddressOfOp::create(builder, loc, LLVM::LLVMPointerType::get(builder.getContext()), name);
  return emitLoad(buffer, element, indices.linearize(point.indices, type.getShape()), point, /*fixed=*/true);
}

} // namespace dlc

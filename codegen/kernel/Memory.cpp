// Addresses, loads and stores: unit strides as vector accesses, stride zero as scalars, the rest as gathers.
#include "codegen/kernel/Emitters.h"
#include "codegen/kernel/PointEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <utility>

using namespace mlir;

namespace dlc {

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

/// MLIR keeps a constant index of an address in 29 bits.
static bool fitsAddress(int64_t constant) { return llvm::isInt<29>(constant); }

/// The pointer to an element at a uniform address, in up to three steps. What is known outside the loop (or where the
/// emitter is anchored) becomes a pointer that waits in a register; what is left is one offset, which pointers to other
/// rows share; the constant part goes last, where it becomes a displacement. So LLVM has nothing to rearrange: its loop
/// strength reduction, which would, takes longer than all the rest for a tile of many rows.
Value PointEmitter::pointerTo(Value buffer, Type memory, const Index &address) {
  unsigned outside = anchor ? *anchor : std::max(nest.depth(), 1u) - 1;
  Index base = Index::of(0), offset = Index::of(0);
  for (auto &[atom, coefficient] : address.terms) {
    Value value = materializeAtom(*atom, 1, nest.builder.getI64Type());
    (nest.depthOf(value) <= outside ? base : offset).terms.push_back({atom, coefficient});
  }
  bool fits = fitsAddress(address.constant);
  if (!fits)
    base.constant = address.constant;
  Value place = behind(behind(buffer, memory, base), memory, offset);
  if (!fits || !address.constant)
    return place;
  return LLVM::GEPOp::create(nest.place(place), nest.loc, place.getType(), memory, place,
                             ArrayRef<LLVM::GEPArg>{int32_t(address.constant)}, LLVM::GEPNoWrapFlags::inbounds);
}

Value PointEmitter::behind(Value pointer, Type memory, const Index &distance) {
  if (distance.isConstant() && distance.constant == 0)
    return pointer;
  Value offset = materialize(distance, 1);
  std::vector<int64_t> key{-5, reinterpret_cast<int64_t>(pointer.getAsOpaquePointer()),
                           reinterpret_cast<int64_t>(memory.getAsOpaquePointer()),
                           reinterpret_cast<int64_t>(offset.getAsOpaquePointer())};
  if (Value known = recall(key))
    return known;
  Value place = LLVM::GEPOp::create(nest.place({pointer, offset}), nest.loc, pointer.getType(), memory, pointer,
                                    ArrayRef<LLVM::GEPArg>{offset}, LLVM::GEPNoWrapFlags::inbounds);
  remember(std::move(key), place);
  return place;
}

void PointEmitter::anchored(llvm::function_ref<void()> body) {
  auto before = std::exchange(anchor, nest.depth());
  body();
  anchor = before;
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

static Value gatherAt(OpBuilder &builder, LoopNest &nest, Value pointers, Type element, Value mask) {
  auto type = VectorType::get(cast<VectorType>(pointers.getType()).getShape(), memoryType(element));
  auto alignment = builder.getI32IntegerAttr(std::max(1u, memoryType(element).getIntOrFloatBitWidth() / 8));
  Value zero = arith::ConstantOp::create(builder, nest.loc, builder.getZeroAttr(type));
  Value vector = LLVM::masked_gather::create(builder, nest.loc, type, pointers, mask, zero, alignment);
  return fromMemory(nest, element, vector);
}

Value PointEmitter::pointer(Value buffer, Type element, const Index &address) {
  return pointerTo(buffer, memoryType(element), address);
}

Value PointEmitter::load(Value buffer, Type element, const Index &address, const Point &point) {
  return emitLoad(buffer, element, address, point, /*fixed=*/false);
}

Value PointEmitter::emitLoad(Value buffer, Type element, const Index &address, const Point &point, bool fixed) {
  auto place = [&](ValueRange operands) -> OpBuilder & { return fixed ? nest.place(operands) : nest.here(); };
  Type memory = memoryType(element);
  unsigned alignment = std::max(1u, memory.getIntOrFloatBitWidth() / 8);
  Location loc = nest.loc;
  Access access = accessOf(address, indices);
  if (access.kind == Access::Uniform) {
    Value pointer = pointerTo(buffer, memory, address);
    return fromMemory(nest, element, LLVM::LoadOp::create(place(pointer), loc, memory, pointer, alignment));
  }
  int64_t lanes = point.lanes;
  auto type = VectorType::get(lanes, memory);
  if (access.kind == Access::Strided && std::abs(access.stride) == 1) {
    bool backwards = access.stride < 0;
    Index first = backwards ? access.base + (1 - lanes) : access.base;
    Value pointer = pointerTo(buffer, memory, first);
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
  return gatherAt(builder, nest, pointers, element, mask);
}

Value PointEmitter::gather(Value buffer, Type element, Value offsets, Value mask) {
  Type pointers = VectorType::get(cast<VectorType>(offsets.getType()).getShape(), buffer.getType());
  Value places = LLVM::GEPOp::create(nest.here(), nest.loc, pointers, memoryType(element), buffer,
                                     ArrayRef<LLVM::GEPArg>{offsets}, LLVM::GEPNoWrapFlags::inbounds);
  return gatherAt(nest.here(), nest, places, element, mask);
}

/// The lane of a constant mask that has only one; nothing for others.
static std::optional<int64_t> onlyLane(Value mask) {
  DenseIntElementsAttr lanes;
  if (!mask || !matchPattern(mask, m_Constant(&lanes)))
    return std::nullopt;
  std::optional<int64_t> only;
  for (auto [lane, isAlive] : llvm::enumerate(lanes.getValues<bool>()))
    if (isAlive && std::exchange(only, lane))
      return std::nullopt;
  return only;
}

void PointEmitter::store(Value buffer, Type element, const Index &address, const Point &point, Value value) {
  Type memory = memoryType(element);
  unsigned alignment = std::max(1u, memory.getIntOrFloatBitWidth() / 8);
  Location loc = nest.loc;
  Access access = accessOf(address, indices);
  Value raw = toMemory(nest, element, access.kind == Access::Uniform ? value : splat(value, point.lanes));
  if (access.kind == Access::Strided && access.stride == 1) {
    Value place = pointerTo(buffer, memory, access.base);
    // LLVM 22 makes a store of 32 bits of a masked one of a single narrower lane.
    if (auto lane = memory.getIntOrFloatBitWidth() < 32 ? onlyLane(point.mask) : std::nullopt) {
      Value single = vector::ExtractOp::create(nest.here(), loc, raw, *lane);
      place =
          LLVM::GEPOp::create(nest.here(), loc, place.getType(), memory, place, ArrayRef<LLVM::GEPArg>{int32_t(*lane)});
      LLVM::StoreOp::create(nest.here(), loc, single, place, alignment);
      return;
    }
    if (point.mask)
      LLVM::MaskedStoreOp::create(nest.here(), loc, raw, place, point.mask, alignment);
    else
      LLVM::StoreOp::create(nest.here(), loc, raw, place, alignment);
    return;
  }
  if (access.kind == Access::Uniform) {
    Value place = pointerTo(buffer, memory, address);
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

void PointEmitter::prefetch(Value buffer, Type element, const Index &address) {
  Value place = pointerTo(buffer, memoryType(element), address);
  LLVM::Prefetch::create(nest.here(), nest.loc, place, /*rw=*/0, /*hint=*/3, /*cache=*/1);
}

void PointEmitter::store(unsigned out, const Point &point, Value value) {
  Value memref = kernel.getOuts()[out];
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  store(buffers[kernel.getIns().size() + out], element, addressOf(memref, point.indices), point, value);
}

} // namespace dlc

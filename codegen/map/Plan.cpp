// Planning of map kernels: 1. the space and its reductions; 2. their phases; 3. for each axis as the lane axis, grown
// by the axes outside it as long as accesses stay linear, the cost of the whole nest; the least wins.
#include "codegen/map/Plan.h"
#include "codegen/kernel/Emitters.h"
#include "codegen/kernel/PointEmitter.h"
#include "ir/Elementary.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>
#include <set>

using namespace mlir;

namespace dlc {

bool MapPlan::isEmpty() const {
  for (auto [size, isReduced] : llvm::zip_equal(shape, reduced))
    if (size == 0 && !isReduced)
      return true;
  return !isReduction() && llvm::is_contained(shape, 0);
}

bool MapPlan::isEmptyReduction() const { return isReduction() && llvm::is_contained(shape, 0); }

SmallVector<int64_t> MapPlan::sizesOf(ArrayRef<int64_t> axes) const {
  SmallVector<int64_t> sizes;
  for (int64_t axis : axes)
    sizes.push_back(shape[axis]);
  return sizes;
}

std::string MapPlan::describe() const {
  auto list = [&](ArrayRef<int64_t> axes) {
    return llvm::join(llvm::map_range(axes, [&](int64_t axis) { return std::to_string(shape[axis]); }), "*");
  };
  std::string text = std::to_string(lanes) + (rowwise ? " lanes along a sum of " : " lanes along ") +
                     (laneAxes.empty() ? "nothing" : list(laneAxes));
  if (!rowAxes.empty())
    text += ", rows " + list(rowAxes);
  if (!loopAxes.empty())
    text += ", loops " + list(loopAxes);
  if (phases.size() > 1)
    text += ", " + std::to_string(phases.size()) + " phases";
  return text;
}

double operationCost(Operation *op) {
  bool isFloat = isa<FloatType>(getElementTypeOrSelf(op->getResult(0).getType()));
  return llvm::TypeSwitch<Operation *, double>(op)
#define ELEMENTARY(Op, mnemonic, name, value, cost) .Case([](dl::Op) { return cost; })
#include "ir/ElementaryFunctions.def"
      .Case([](dl::Atan2Op) { return 40; })
      .Case([](dl::PowOp) { return 120; })
      .Case<dl::SqrtOp, dl::DivOp>([&](auto) { return isFloat ? 6 : 30; })
      .Case<dl::RemOp, dl::FloorDivOp>([](auto) { return 30; })
      .Case([](dl::RsqrtOp) { return 12; })
      .Case([](dl::RandomOp op) { return op.getDistribution() == dl::Distribution::uniform ? 160 : 2000; })
      .Case<dl::MaxOp, dl::MinOp>([](auto) { return 3; })
      .Case<dl::StopGradientOp>([](auto) { return 0; })
      .Default([](Operation *op) { return op->hasTrait<dl::Pointwise>() ? 1 : 0; });
}

using dl::isReduction;
using dl::reducedAxes;
static ArrayRef<int64_t> shapeOf(Value value) { return cast<RankedTensorType>(value.getType()).getShape(); }

SmallVector<Value> MapPlan::rootsOf(unsigned phase, dl::KernelOp kernel) const {
  SmallVector<Value> roots;
  if (phase < phases.size())
    for (Operation *op : phases[phase])
      roots.push_back(op->getOperand(0));
  if (outputPhase == static_cast<int64_t>(phase))
    for (unsigned out : spaceOutputs)
      roots.push_back(kernel.getBody().front().getTerminator()->getOperand(out));
  return roots;
}

/// Each operation of the space's shape counts for the first phase that needs it.
static void costPhases(dl::KernelOp kernel, MapPlan &plan) {
  llvm::DenseSet<Value> seen;
  for (unsigned phase = 0; phase < plan.phaseCount(); ++phase) {
    double cost = 1;
    SmallVector<Value> work = plan.rootsOf(phase, kernel);
    while (!work.empty()) {
      Value value = work.pop_back_val();
      Operation *op = value.getDefiningOp();
      if (shapeOf(value) != ArrayRef(plan.shape) || !seen.insert(value).second)
        continue;
      cost += op ? operationCost(op) : 1;
      if (op)
        work.append(op->operand_begin(), op->operand_end());
    }
    plan.phaseCosts.push_back(cost);
  }
}

/// The space, the outputs by their shape, and the phases.
static LogicalResult analyse(dl::KernelOp kernel, MapPlan &plan) {
  Block &body = kernel.getBody().front();
  ValueRange yields = body.getTerminator()->getOperands();
  llvm::DenseMap<Value, unsigned> level;
  Operation *first = nullptr;
  for (Operation &op : body.without_terminator()) {
    unsigned depth = 0;
    for (Value operand : op.getOperands())
      depth = std::max(depth, level.lookup(operand));
    if (isReduction(&op)) {
      if (first &&
          (shapeOf(op.getOperand(0)) != shapeOf(first->getOperand(0)) || reducedAxes(&op) != reducedAxes(first)))
        return op.emitOpError("reduces other axes than another reduction of its kernel");
      first = first ? first : &op;
      plan.phases.resize(std::max<size_t>(plan.phases.size(), depth + 1));
      plan.phases[depth++].push_back(&op);
    }
    for (Value result : op.getResults())
      level[result] = depth;
  }
  if (first) {
    plan.shape.assign(shapeOf(first->getOperand(0)).begin(), shapeOf(first->getOperand(0)).end());
    plan.reduced.assign(plan.shape.size(), false);
    for (int64_t axis : reducedAxes(first))
      plan.reduced[axis] = true;
    if (auto parts = dyn_cast<dl::ReducePartsOp>(first))
      plan.cut = {static_cast<int64_t>(parts.getAxis()), static_cast<int64_t>(parts.getChunk())};
  } else if (!yields.empty()) {
    plan.shape.assign(shapeOf(yields[0]).begin(), shapeOf(yields[0]).end());
    plan.reduced.assign(plan.shape.size(), false);
  }
  SmallVector<int64_t> reducedShape;
  if (plan.cut)
    reducedShape.push_back(plan.parts());
  for (auto [size, isReduced] : llvm::zip_equal(plan.shape, plan.reduced))
    if (!isReduced)
      reducedShape.push_back(size);
  unsigned last = plan.phases.size(), needed = 0;
  for (auto [number, value] : llvm::enumerate(yields)) {
    if (shapeOf(value) == ArrayRef(plan.shape)) {
      plan.spaceOutputs.push_back(number);
      needed = std::max(needed, level.lookup(value));
    } else if (shapeOf(value) == ArrayRef(reducedShape)) {
      plan.reducedOutputs.push_back(number);
    } else {
      return kernel.emitOpError("yields tensors of different spaces");
    }
  }
  if (!plan.spaceOutputs.empty())
    plan.outputPhase = needed == last ? last : last - 1;
  costPhases(kernel, plan);
  return success();
}

namespace {
/// What a choice of lane axes is judged by.
class Judge {
public:
  Judge(dl::KernelOp kernel, const Target &target) : kernel(kernel), target(target) {}

  /// Fills the plan's groups and costs for lanes along `laneAxes`.
  void judge(MapPlan &plan, ArrayRef<int64_t> order, ArrayRef<int64_t> laneAxes);

private:
  double accessCost(const Index &address, int64_t lanes);

  dl::KernelOp kernel;
  const Target &target;
};
} // namespace

double Judge::accessCost(const Index &address, int64_t lanes) {
  double cost = 0.5;
  // Elements a few steps apart share cache lines.
  constexpr int64_t near = 8;
  for (auto &[atom, coefficient] : address.terms)
    if (atom->varies)
      cost = atom->kind != Atom::Lanes       ? 1.5 * lanes
             : coefficient == 1              ? 1
             : coefficient == -1             ? 2
             : std::abs(coefficient) <= near ? 1.2 * lanes
                                             : 2.0 * lanes;
  return cost;
}

void Judge::judge(MapPlan &plan, ArrayRef<int64_t> order, ArrayRef<int64_t> laneAxes) {
  plan.laneAxes.assign(laneAxes.begin(), laneAxes.end());
  plan.rowAxes.clear();
  plan.loopAxes.clear();
  plan.extent = plan.rows = plan.loops = 1;
  plan.rowwise = !laneAxes.empty() && plan.reduced[laneAxes[0]];
  for (int64_t axis : order) {
    if (llvm::is_contained(laneAxes, axis)) {
      plan.extent *= plan.shape[axis];
      continue;
    }
    (plan.reduced[axis] ? plan.loopAxes : plan.rowAxes).push_back(axis);
    (plan.reduced[axis] ? plan.loops : plan.rows) *= plan.shape[axis];
  }
  // The axis that is cut is the outermost of the loops.
  if (plan.cut)
    if (auto *cut = llvm::find(plan.loopAxes, plan.cut->axis); cut != plan.loopAxes.end())
      std::rotate(plan.loopAxes.begin(), cut, cut + 1);
  // The lanes hold the widest float that is computed with.
  bool wide = false;
  for (Operation &op : kernel.getBody().front().without_terminator())
    if (shapeOf(op.getResult(0)).size() == plan.shape.size())
      wide |= getElementTypeOrSelf(op.getResult(0).getType()).isF64();
  plan.lanes = laneAxes.empty() ? 1 : target.vectorBytes / (wide ? 8 : 4);

  IndexContext indices;
  SmallVector<Index> space(plan.shape.size(), Index::of(0)), parallel;
  auto scatter = [&](const Index &flat, ArrayRef<int64_t> axes) {
    for (auto [axis, index] : llvm::zip_equal(axes, indices.delinearize(flat, plan.sizesOf(axes))))
      space[axis] = index;
  };
  scatter(indices.variable({}, {0, std::max<int64_t>(plan.rows - 1, 1)}), plan.rowAxes);
  scatter(indices.variable({}, {0, std::max<int64_t>(plan.loops - 1, 1)}), plan.loopAxes);
  if (!laneAxes.empty())
    scatter(indices.lanes({}, 0, {0, plan.extent - 1}), laneAxes);
  for (auto [axis, index] : llvm::enumerate(space))
    if (!plan.reduced[axis])
      parallel.push_back(index);
  if (plan.cut)
    parallel.insert(parallel.begin(), indices.variable({}, {0, plan.parts()}));
  Point inSpace{space, plan.lanes, {}}, inRow{parallel, plan.lanes, {}};

  plan.stepCost = plan.cellCost = 1;
  auto reads = [&](Value tensor, const Point &point, double &cost) {
    forEachAccess(kernel, tensor, point, indices, isReduction,
                  [&](Value buffer, const Index &index) { cost += buffer ? accessCost(index, plan.lanes) : 3; });
  };
  // What is computed once a cell, whether lanes or rows run along it.
  SmallVector<int64_t> cellShape;
  if (plan.cut)
    cellShape.push_back(plan.parts());
  for (auto [size, isReduced] : llvm::zip_equal(plan.shape, plan.reduced))
    if (!isReduced)
      cellShape.push_back(size);
  Block &body = kernel.getBody().front();
  for (auto &phase : plan.phases)
    for (Operation *op : phase) {
      reads(op->getOperand(0), inSpace, plan.stepCost);
      plan.stepCost += isa<dl::ArgReduceOp>(op) ? 4 : 1;
      plan.cellCost += plan.rowwise ? 10 : 0;
    }
  for (auto [number, value] : llvm::enumerate(body.getTerminator()->getOperands())) {
    bool isSpace = llvm::is_contained(plan.spaceOutputs, number);
    const Point &point = isSpace ? inSpace : inRow;
    double &cost = isSpace ? plan.stepCost : plan.cellCost;
    reads(value, point, cost);
    Index address = addressIn(kernel.getOuts()[number].getType(), point.indices);
    cost += 1.2 * accessCost(address, plan.lanes);
  }
  for (Operation &op : body.without_terminator()) {
    size_t rank = shapeOf(op.getResult(0)).size();
    if (rank == 0)
      continue;
    bool isCell = plan.isReduction() && shapeOf(op.getResult(0)) == ArrayRef(cellShape) && !isReduction(&op);
    (isCell ? plan.cellCost : plan.stepCost) += isReduction(&op) ? 0 : operationCost(&op);
  }
  double vectors = std::ceil(double(plan.extent) / plan.lanes);
  double cells = plan.cells() * (plan.rowwise ? 1.0 : vectors);
  double steps = plan.rows * plan.loops * vectors;
  // About three instructions a cycle at 3 GHz, and bytes by the cache that they fit in.
  double compute = (steps * plan.stepCost + cells * plan.cellCost) * 0.1;
  double bytesPerNanosecond = plan.bytes <= 512 << 10 ? 150 : plan.bytes <= 4 << 20 ? 60 : 20;
  plan.nanoseconds = std::max(compute, plan.bytes / bytesPerNanosecond);
}

/// The axes from the outermost in memory to the innermost, as the first tensor of the space's shape has them.
static SmallVector<int64_t> memoryOrder(dl::KernelOp kernel, const MapPlan &plan) {
  SmallVector<Value> candidates;
  for (unsigned number : plan.spaceOutputs)
    candidates.push_back(kernel.getOuts()[number]);
  for (Value in : kernel.getIns())
    if (cast<MemRefType>(in.getType()).getShape() == ArrayRef(plan.shape))
      candidates.push_back(in);
  SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(plan.shape.size()));
  if (!candidates.empty()) {
    SmallVector<int64_t> strides;
    int64_t offset;
    staticStrides(cast<MemRefType>(candidates[0].getType()), strides, offset);
    llvm::sort(order, [&](int64_t a, int64_t b) { return strides[a] != strides[b] ? strides[a] > strides[b] : a < b; });
  }
  llvm::erase_if(order, [&](int64_t axis) { return plan.shape[axis] == 1; });
  return order;
}

FailureOr<MapPlan> planMap(dl::KernelOp kernel, const Target &target) {
  MapPlan plan;
  if (failed(analyse(kernel, plan)))
    return failure();
  std::set<void *> counted;
  for (Value buffer : llvm::concat<Value>(llvm::to_vector(kernel.getIns()), llvm::to_vector(kernel.getOuts())))
    if (counted.insert(buffer.getAsOpaquePointer()).second) {
      auto type = cast<MemRefType>(buffer.getType());
      plan.bytes += type.getNumElements() * std::max<int64_t>(1, type.getElementTypeBitWidth() / 8);
    }
  if (plan.isEmpty())
    return plan;
  if (plan.isEmptyReduction()) {
    // Each result element is the neutral one: scalars, one by one.
    for (auto [axis, size] : llvm::enumerate(plan.shape))
      if (!plan.reduced[axis] && size != 1)
        plan.rowAxes.push_back(axis), plan.rows *= size;
    plan.loops = 0;
    return plan;
  }
  SmallVector<int64_t> order = memoryOrder(kernel, plan);
  Judge judge(kernel, target);
  MapPlan best = plan;
  judge.judge(best, order, {});
  bool chosen = order.empty();
  auto isCut = [&](int64_t axis) { return plan.cut && plan.cut->axis == axis; };
  for (size_t place = order.size(); place-- > 0;) {
    SmallVector<int64_t> lanes;
    for (size_t outer = place + 1; outer-- > 0;) {
      if (!lanes.empty() && (plan.reduced[order[outer]] != plan.reduced[lanes[0]] || isCut(lanes[0])))
        break;
      lanes.insert(lanes.begin(), order[outer]);
      MapPlan candidate = plan;
      judge.judge(candidate, order, lanes);
      double cost = candidate.stepCost;
      // A longer group must leave the accesses as they are.
      if (lanes.size() > 1 && cost > best.stepCost && chosen && best.laneAxes.back() == order[place])
        break;
      auto total = [](const MapPlan &p) {
        double vectors = std::ceil(double(p.extent) / p.lanes);
        return p.rows * p.loops * vectors * p.stepCost + p.cells() * (p.rowwise ? 1 : vectors) * p.cellCost +
               // A row's start costs a little.
               p.cells() * 2.0;
      };
      if (!chosen || total(candidate) < total(best)) {
        best = candidate;
        chosen = true;
      }
    }
  }
  return best;
}

} // namespace dlc

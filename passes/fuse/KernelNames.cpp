// A kernel that updates a parameter is named after it (`fc1_update`, `fc1_bias_update`), a product after its parameter
// (`fc1`, and `fc1_back` from the second on), the rest after what they compute.

#include "passes/fuse/KernelNames.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace dlc {

namespace {

std::string identifier(StringRef text) {
  std::string result;
  for (char c : text)
    result += llvm::isAlnum(c) ? c : '_';
  return result.empty() ? "kernel" : result;
}

/// "net.fc1.weight" -> "net_fc1"; other leaves stay: "fc1.bias" -> "fc1_bias".
std::string parameterStem(StringRef name) {
  auto [stem, leaf] = name.rsplit('.');
  return identifier(leaf == "weight" ? stem : name);
}

/// What a region's argument is outside, if that is one value; else null.
Value outsideOf(BlockArgument argument) {
  Operation *parent = argument.getOwner()->getParentOp();
  unsigned number = argument.getArgNumber();
  if (auto branch = dyn_cast<dl::IfOp>(parent))
    return branch.getInputs()[number];
  if (auto loop = dyn_cast<dl::WhileOp>(parent))
    return number < loop.getInits().size() ? Value() : loop.getInvariants()[number - loop.getInits().size()];
  auto scan = dyn_cast<dl::ScanOp>(parent);
  if (!scan || number < 1 + scan.getInits().size())
    return Value();
  return scan->getOperand(number - 1);
}

/// The argument of the function that `value` is, through movements, casts and the edges of regions; null if it is none.
BlockArgument rootArgument(Value value) {
  while (value) {
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      if (isa<func::FuncOp>(argument.getOwner()->getParentOp()))
        return argument;
      value = outsideOf(argument);
      continue;
    }
    Operation *op = value.getDefiningOp();
    if (op->getNumOperands() != 1 || !(isMovement(op) || isa<dl::CastOp>(op)))
      break;
    value = op->getOperand(0);
  }
  return BlockArgument();
}

StringRef argumentText(func::FuncOp function, BlockArgument argument, StringRef key) {
  auto text = argument ? function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), key) : StringAttr();
  return text ? text.getValue() : StringRef();
}

} // namespace

std::string KernelNames::unique(std::string stem) {
  unsigned count = ++taken[stem];
  if (count == 1)
    return stem;
  std::string name;
  do
    name = stem + "_" + std::to_string(count++);
  while (!taken.try_emplace(name, 1).second);
  taken[stem] = count - 1;
  return name;
}

std::string KernelNames::name(const FuseGraph &graph, unsigned index) {
  const Cluster &cluster = graph.cluster(index);
  if (cluster.scalars)
    return unique("scalars");
  Operation *first = graph.node(cluster.nodes.front()).op;
  if (auto check = dyn_cast<dl::CheckIndexOp>(first))
    return unique("check_" + identifier(check.getWhat()));
  if (auto check = dyn_cast<dl::CheckOp>(first))
    return unique(check.getWhat().empty() ? "require" : "check_" + identifier(check.getWhat()));
  if (auto linalg = dyn_cast<dl::LinalgOp>(first))
    return unique(stringifyLinalgKind(linalg.getKind()).str());
  if (std::string update = updateName(graph, index); !update.empty())
    return unique(update);
  if (cluster.kind == dl::KernelKind::contract)
    return unique(productName(graph, index));
  if (cluster.kind == dl::KernelKind::map)
    return unique(mapName(graph, index));
  return unique(identifier(first->getName().stripDialect()));
}

/// After the parameter that the cluster gives a new value; empty if it updates none.
std::string KernelNames::updateName(const FuseGraph &graph, unsigned cluster) {
  Operation *end = function.getBody().front().getTerminator();
  std::string found;
  for (unsigned node : graph.outputs(cluster))
    for (OpOperand &use : graph.node(node).value().getUses()) {
      auto updates = use.getOwner() == end
                         ? function.getResultAttrOfType<IntegerAttr>(use.getOperandNumber(), "dl.updates")
                         : IntegerAttr();
      if (!updates || updates.getInt() < 0 || updates.getInt() >= function.getNumArguments())
        continue;
      BlockArgument argument = function.getArgument(updates.getInt());
      StringRef name = argumentText(function, argument, "dl.name");
      if (argumentText(function, argument, "dl.role") == "param")
        return parameterStem(name) + "_update";
      found = parameterStem(name) + "_update";
    }
  return found;
}

std::string KernelNames::productName(const FuseGraph &graph, unsigned cluster) {
  for (unsigned index : graph.cluster(cluster).nodes) {
    auto product = dyn_cast<dl::ContractOp>(graph.node(index).op);
    if (!product)
      continue;
    for (Value operand : {product.getRhs(), product.getLhs()}) {
      BlockArgument argument = rootArgument(operand);
      if (argumentText(function, argument, "dl.role") != "param")
        continue;
      std::string stem = parameterStem(argumentText(function, argument, "dl.name"));
      return products[stem]++ == 0 ? stem : stem + "_back";
    }
  }
  return "product";
}

std::string KernelNames::mapName(const FuseGraph &graph, unsigned cluster) {
  // What the cluster does, and whether it sees anything but the function's inputs.
  llvm::StringMap<unsigned> does;
  SmallVector<std::string> kinds;
  bool fromInputs = true, fromArguments = false;
  for (unsigned index : graph.cluster(cluster).nodes) {
    const FuseNode &node = graph.node(index);
    for (const NodeInput &input : node.inputs) {
      fromInputs &= input.node >= 0 ? graph.node(input.node).cluster == cluster
                                    : argumentText(function, rootArgument(input.source), "dl.role") == "input";
      fromArguments |= input.node < 0;
    }
    std::string kind = node.op->getName().stripDialect().str();
    if (auto reduce = dyn_cast<dl::ReduceOp>(node.op))
      kind = dl::stringifyReduceKind(reduce.getKind()).str();
    if (does[kind]++ == 0)
      kinds.push_back(kind);
  }
  auto has = [&](StringRef kind) { return does.contains(kind); };
  bool reduces = !graph.cluster(cluster).reduced.empty();
  if (reduces && has("exp") && has("sum") && has("log"))
    return does["sum"] > 1 ? "softmax_cross_entropy" : "log_softmax";
  if (reduces && has("exp") && has("sum"))
    return "softmax";
  if (reduces && has("sum") && (has("rsqrt") || has("sqrt")))
    return "normalize";
  if (fromInputs && fromArguments && !reduces)
    return "prepare";
  auto averages = [](StringRef kind) { return kind == "sum" || kind == "mul" || kind == "div" || kind == "cast"; };
  if (reduces && has("sum") && kinds.size() > 1 && llvm::all_of(kinds, averages))
    return "mean";
  if (kinds.size() > 3)
    kinds.resize(3);
  return llvm::join(kinds, "_");
}

} // namespace dlc

// Building functions of the graph stage: what is under construction, and its operations. It knows neither the tree nor
// names nor scopes.
//
// Frames are entered and left by C++ scope. A function is one; a region (the body of a loop, a branch, what is
// differentiated) is one inside it. A value from outside an isolated region is *captured* when it is used: it becomes an
// argument of the region, and the operation around it takes the value as an operand.
#pragma once

#include "frontend/elaborate/Value.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/MapVector.h"

namespace dlc {

class GraphBuilder;
class FunctionFrame;

/// What is under construction: one block, to whose end operations are added.
class GraphFrame {
public:
  GraphFrame(const GraphFrame &) = delete;
  GraphFrame &operator=(const GraphFrame &) = delete;

  mlir::Block *block() const { return body; }
  mlir::Value addArgument(mlir::Type type, mlir::Location loc) { return body->addArgument(type, loc); }
  /// The values outside that were captured, each with the argument that stands for it here; in the order of arguments.
  const llvm::MapVector<mlir::Value, mlir::Value> &captures() const { return captured; }
  /// Makes `values`, among them all that is captured, arguments from number `first` on: the regions of one operation have
  /// its operands in common.
  void captureAs(llvm::ArrayRef<mlir::Value> values, unsigned first);
  /// Leaves the frame before its scope ends: operations go to the one around it again.
  void close();

protected:
  /// `isolated`: it sees nothing but its arguments. A frame of no block only keeps others from being built on.
  GraphFrame(GraphBuilder &graph, mlir::Block *block, bool isolated);
  virtual ~GraphFrame();

  GraphBuilder &graph;
  GraphFrame *outer;
  mlir::Block *body;
  bool isolated;
  llvm::MapVector<mlir::Value, mlir::Value> captured;
  friend class GraphBuilder;

private:
  /// `value` as it may be used in this frame.
  virtual mlir::Value use(mlir::Value value);
};

/// A function in a module of its own.
class FunctionFrame : public GraphFrame {
public:
  /// What a tensor of the host (a column, what a statement has computed) is in the function.
  enum HostTensors { Inputs, Constants };
  FunctionFrame(GraphBuilder &graph, llvm::StringRef name, mlir::Location loc, HostTensors hostTensors);
  ~FunctionFrame() override;

  mlir::func::FuncOp function() const { return made; }
  /// Ends the function, which returns `results`.
  mlir::OwningOpRef<mlir::ModuleOp> finish(llvm::ArrayRef<mlir::Value> results);

  const HostTensors hostTensors;
  std::map<HostBuffer *, mlir::Value> hostValues;
  std::vector<HostBufferRef> inputs;
  mlir::Value seed, step; ///< of random numbers: scalars i64; made when first needed
  /// Functions beside this one that stand for those with a rule, by name and types.
  struct Called {
    std::string symbol;
    Value result; ///< its type
  };
  using CalledFunctions = std::map<std::string, Called>;
  CalledFunctions called;

private:
  mlir::Value use(mlir::Value value) override { return value; }
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp made;
  FunctionFrame *outerFunction;
};

/// A private function beside the one being built, called from there. What it captures become arguments behind its own.
class CalledFrame : public GraphFrame {
public:
  CalledFrame(GraphBuilder &graph, llvm::StringRef name, mlir::Location loc);
  mlir::func::FuncOp function() const { return made; }
  void finish(llvm::ArrayRef<mlir::Value> results, mlir::Location loc);
  /// Makes the function's type that of its arguments, after captureAs.
  void updateType();

private:
  mlir::func::FuncOp made;
};

/// A region that is not attached to its operation yet.
class RegionFrame : public GraphFrame {
public:
  enum Kind {
    Transparent, ///< it may use values from outside
    Isolated,
  };
  RegionFrame(GraphBuilder &graph, Kind kind) : RegionFrame(graph, kind, std::make_unique<mlir::Block>()) {}
  ~RegionFrame() override;
  /// Ends the region, which yields `results`.
  void yield(llvm::ArrayRef<mlir::Value> results, mlir::Location loc);
  /// Puts the block into an operation's region. Called when the frame has been left (`close`).
  void moveTo(mlir::Region &region);

private:
  RegionFrame(GraphBuilder &graph, Kind kind, std::unique_ptr<mlir::Block> made)
      : GraphFrame(graph, made.get(), kind == Isolated), owned(std::move(made)) {}
  std::unique_ptr<mlir::Block> owned;
};

/// While it lives nothing is built: what is elaborated is only checked.
class NoFrame : public GraphFrame {
public:
  explicit NoFrame(GraphBuilder &graph);
  ~NoFrame() override;

private:
  FunctionFrame *suspended;
};

class GraphBuilder {
public:
  explicit GraphBuilder(mlir::MLIRContext &context) : builder(&context) {}

  /// Whether something is under construction.
  bool building() const { return current && current->body; }
  /// The function under construction; null when there is none.
  FunctionFrame *function() const { return currentFunction; }
  /// Adds to the end of the current frame's block.
  mlir::OpBuilder &here();
  /// A value of this function as it may be used in the current frame: captured where that is isolated.
  mlir::Value use(mlir::Value value) { return current->use(value); }
  /// A tensor of the host as an argument or a constant of the function.
  mlir::Value hostTensor(const HostBufferRef &host, mlir::RankedTensorType type, mlir::Location loc);

  /// `dl.<op>` with one result.
  mlir::Value create(mlir::Location loc, std::string_view op, mlir::Type type, mlir::ValueRange operands,
                     llvm::ArrayRef<mlir::NamedAttribute> attributes = {});
  /// A tensor of one number.
  mlir::Value splat(mlir::Location loc, mlir::RankedTensorType type, double number);
  mlir::Value splat(mlir::Location loc, mlir::RankedTensorType type, int64_t number);
  mlir::Value zeros(mlir::Location loc, mlir::RankedTensorType type);
  /// Broadcasts to `type` as NumPy does: aligned at the last axis, axes of size 1 grow.
  mlir::Value broadcast(mlir::Location loc, mlir::Value operand, mlir::RankedTensorType type);
  /// A product; transpositions of the operands become another order of letters.
  mlir::Value contract(mlir::Location loc, llvm::StringRef equation, mlir::Value lhs, mlir::Value rhs,
                       mlir::RankedTensorType type);
  /// Random numbers of the function's seed and step and the indices of the loops around; `seed` where it has none.
  mlir::Value random(mlir::Location loc, std::string_view distribution, const std::string &place, int64_t seed,
                     mlir::ValueRange loops, mlir::RankedTensorType type);

  mlir::NamedAttribute integers(const char *name, llvm::ArrayRef<int64_t> values) {
    return builder.getNamedAttr(name, builder.getDenseI64ArrayAttr(values));
  }
  mlir::OpBuilder &attributes() { return builder; }

private:
  friend class GraphFrame;
  friend class FunctionFrame;
  friend class NoFrame;
  friend class RegionFrame;
  mlir::OpBuilder builder;
  GraphFrame *current = nullptr;
  FunctionFrame *currentFunction = nullptr;
};

} // namespace dlc

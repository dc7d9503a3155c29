// The stages of the IR as an executable specification: which operations each may contain.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include <optional>

namespace dlc::dl {

/// In the order of the pipeline.
enum class Stage { graph, gradient, fused, planned, loops, llvm };

/// `graph`, `gradient`, ...
llvm::StringRef stageName(Stage stage);
/// The stage of a name; none for any other text.
std::optional<Stage> stageNamed(llvm::StringRef name);

/// Fails, with an error on the first operation that the stage does not have there, or whose result is larger than any
/// memory ("too large: .."). Operations themselves are verified
/// by their own verifiers; this asks only whether they may stand where they stand.
llvm::LogicalResult verifyStage(mlir::ModuleOp module, Stage stage);

} // namespace dlc::dl

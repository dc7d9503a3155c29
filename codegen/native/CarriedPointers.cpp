// An access at base + offset takes two registers, and on Intel's processors splits the instruction that it is part of into
// two; one at a pointer (plus a constant) does not.
#include "codegen/native/CarriedPointers.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Analysis/InstSimplifyFolder.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/PatternMatch.h"
#include "llvm/Transforms/Utils/Local.h"

using namespace llvm;

namespace dlc {

/// Bases of one offset that become pointers: more of them would take more registers than there are.
static constexpr size_t mostBases = 2;

namespace {
/// One loop with its counter.
class Carrier {
public:
  Carrier(Loop &loop, const DataLayout &layout)
      : loop(loop), layout(layout), builder(loop.getHeader()->getContext(), InstSimplifyFolder(layout)) {}

  bool run() {
    if (!findCounter())
      return false;
    // What EarlyCSE has not joined already differs.
    MapVector<Value *, SmallVector<GetElementPtrInst *, 4>> ofOffset;
    for (BasicBlock *block : loop.blocks())
      for (Instruction &instruction : *block)
        if (auto *place = dyn_cast<GetElementPtrInst>(&instruction))
          if (place->getNumIndices() == 1 && !place->getType()->isVectorTy() &&
              loop.isLoopInvariant(place->getPointerOperand()) && slope(place->getOperand(1)).value_or(0))
            ofOffset[place->getOperand(1)].push_back(place);
    bool changed = false;
    for (auto &[offset, places] : ofOffset)
      if (places.size() <= mostBases)
        for (GetElementPtrInst *place : places) {
          carry(place);
          changed = true;
        }
    return changed;
  }

private:
  bool findCounter() {
    if (!loop.getLoopPreheader() || !loop.getLoopLatch())
      return false;
    for (PHINode &phi : loop.getHeader()->phis()) {
      ConstantInt *by;
      if (phi.getType()->isIntegerTy(64) &&
          PatternMatch::match(phi.getIncomingValueForBlock(loop.getLoopLatch()),
                              PatternMatch::m_c_Add(PatternMatch::m_Specific(&phi), PatternMatch::m_ConstantInt(by)))) {
        counter = &phi;
        step = by->getSExtValue();
        return true;
      }
    }
    return false;
  }

  /// By how much a value grows with the counter, where that is the same in each turn.
  std::optional<int64_t> slope(Value *value) const {
    if (value == counter)
      return 1;
    if (loop.isLoopInvariant(value))
      return 0;
    Value *a, *b;
    ConstantInt *factor;
    if (PatternMatch::match(value, PatternMatch::m_Add(PatternMatch::m_Value(a), PatternMatch::m_Value(b)))) {
      auto first = slope(a), second = slope(b);
      return first && second ? std::optional(*first + *second) : std::nullopt;
    }
    if (PatternMatch::match(value, PatternMatch::m_Mul(PatternMatch::m_Value(a), PatternMatch::m_ConstantInt(factor))))
      if (auto of = slope(a))
        return *of * factor->getSExtValue();
    return std::nullopt;
  }

  /// The value before the first turn, of one that has a slope.
  Value *atStart(Value *value) {
    if (value == counter)
      return counter->getIncomingValueForBlock(loop.getLoopPreheader());
    if (loop.isLoopInvariant(value))
      return value;
    auto *operation = cast<BinaryOperator>(value);
    return builder.CreateBinOp(operation->getOpcode(), atStart(operation->getOperand(0)),
                               atStart(operation->getOperand(1)));
  }

  void carry(GetElementPtrInst *place) {
    Type *element = place->getSourceElementType(), *byte = builder.getInt8Ty();
    int64_t size = layout.getTypeAllocSize(element);
    int64_t stride = *slope(place->getOperand(1)) * step * size;
    builder.SetInsertPoint(loop.getLoopPreheader()->getTerminator());
    Value *first = builder.CreateGEP(element, place->getPointerOperand(), atStart(place->getOperand(1)));
    builder.SetInsertPoint(loop.getHeader(), loop.getHeader()->begin());
    PHINode *pointer = builder.CreatePHI(place->getType(), 2);
    builder.SetInsertPoint(loop.getLoopLatch()->getTerminator());
    Value *next = builder.CreateGEP(byte, pointer, builder.getInt64(stride));
    pointer->addIncoming(first, loop.getLoopPreheader());
    pointer->addIncoming(next, loop.getLoopLatch());
    place->replaceAllUsesWith(pointer);
    RecursivelyDeleteTriviallyDeadInstructions(place);
  }

  Loop &loop;
  const DataLayout &layout;
  IRBuilder<InstSimplifyFolder> builder;
  PHINode *counter = nullptr;
  int64_t step = 0;
};
} // namespace

PreservedAnalyses CarriedPointersPass::run(Function &function, FunctionAnalysisManager &analyses) {
  bool changed = false;
  for (Loop *loop : analyses.getResult<LoopAnalysis>(function).getLoopsInPreorder())
    if (loop->isInnermost())
      changed |= Carrier(*loop, function.getDataLayout()).run();
  return changed ? PreservedAnalyses::none() : PreservedAnalyses::all();
}

} // namespace dlc

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

/// Variables of one loop: the other registers are for bases and counters.
static constexpr int64_t mostVariables = 6;

namespace {
/// One loop with its counter.
class Carrier {
public:
  Carrier(Loop &loop, const DataLayout &layout)
      : loop(loop), layout(layout), builder(loop.getHeader()->getContext(), InstSimplifyFolder(layout)) {}

  bool run() {
    if (!findCounter())
      return false;
    // EarlyCSE has run: equal offsets are one value.
    MapVector<Value *, SmallVector<GetElementPtrInst *, 4>> ofOffset;
    for (BasicBlock *block : loop.blocks())
      for (Instruction &instruction : *block)
        if (auto *place = dyn_cast<GetElementPtrInst>(&instruction))
          if (place->getNumIndices() == 1 && !place->getType()->isVectorTy() &&
              loop.isLoopInvariant(place->getPointerOperand()) && slope(place->getOperand(1)).value_or(0))
            ofOffset[place->getOperand(1)].push_back(place);
    int64_t variables = 0;
    for (auto &[offset, places] : ofOffset) {
      if (variables == mostVariables)
        break;
      if (places.size() > 1 && offset == counter)
        continue; // the counter is a variable already
      if (places.size() == 1)
        carryPointer(places.front());
      else
        carryOffset(offset, places);
      ++variables;
    }
    return variables > 0;
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

  /// A variable of the loop with the value before the first turn; its next value is still to be added.
  PHINode *variable(Value *first) {
    builder.SetInsertPoint(loop.getHeader(), loop.getHeader()->begin());
    PHINode *phi = builder.CreatePHI(first->getType(), 2);
    phi->addIncoming(first, loop.getLoopPreheader());
    builder.SetInsertPoint(loop.getLoopLatch()->getTerminator());
    return phi;
  }

  void carryPointer(GetElementPtrInst *place) {
    Type *element = place->getSourceElementType();
    int64_t stride = *slope(place->getOperand(1)) * step * int64_t(layout.getTypeAllocSize(element));
    builder.SetInsertPoint(loop.getLoopPreheader()->getTerminator());
    Value *start = atStart(place->getOperand(1));
    PHINode *pointer = variable(builder.CreateGEP(element, place->getPointerOperand(), start));
    pointer->addIncoming(builder.CreateGEP(builder.getInt8Ty(), pointer, builder.getInt64(stride)),
                         loop.getLoopLatch());
    place->replaceAllUsesWith(pointer);
    RecursivelyDeleteTriviallyDeadInstructions(place);
  }

  void carryOffset(Value *offset, ArrayRef<GetElementPtrInst *> places) {
    builder.SetInsertPoint(loop.getLoopPreheader()->getTerminator());
    PHINode *carried = variable(atStart(offset));
    carried->addIncoming(builder.CreateAdd(carried, builder.getInt64(*slope(offset) * step)), loop.getLoopLatch());
    for (GetElementPtrInst *place : places)
      place->setOperand(1, carried);
    RecursivelyDeleteTriviallyDeadInstructions(offset);
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

// The calls below an entry form a tree of a few levels; a call through an address may be of any function whose address is
// taken (the step's runner calls kernels so). A function's region begins behind the longest of its callers'.
#include "codegen/native/StackToScratch.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/Alignment.h"

namespace dlc {

/// What is smaller stays: counters, arrays of addresses.
static constexpr int64_t smallBytes = 4096;

using Arrays = llvm::SmallVector<std::pair<llvm::AllocaInst *, int64_t>>;

static Arrays largeArrays(llvm::Function &function) {
  Arrays arrays;
  for (llvm::BasicBlock &block : function)
    for (llvm::Instruction &instruction : block)
      if (auto *alloca = llvm::dyn_cast<llvm::AllocaInst>(&instruction)) {
        auto size = alloca->getAllocationSize(function.getDataLayout());
        if (size && int64_t(size->getFixedValue()) >= smallBytes)
          arrays.push_back({alloca, llvm::alignTo(size->getFixedValue(), 64)});
      }
  return arrays;
}

/// Where the region of each function reached from `function` begins, `function`'s own at `from`.
static void place(const llvm::Function &function, int64_t from,
                  llvm::MapVector<const llvm::Function *, int64_t> &begins) {
  auto [known, fresh] = begins.insert({&function, from});
  if (!fresh && known->second >= from)
    return;
  known->second = from;
  for (auto &[alloca, bytes] : largeArrays(const_cast<llvm::Function &>(function)))
    from += bytes;
  for (const llvm::BasicBlock &block : function)
    for (const llvm::Instruction &instruction : block)
      if (auto *call = llvm::dyn_cast<llvm::CallInst>(&instruction)) {
        const llvm::Function *callee = call->getCalledFunction();
        for (const llvm::Function &any : *function.getParent())
          if (!any.isDeclaration() && (callee ? &any == callee : any.hasAddressTaken()))
            place(any, from, begins);
      }
}

MovedStack moveStackToScratch(llvm::Module &module, const llvm::Function &entry) {
  llvm::MapVector<const llvm::Function *, int64_t> begins;
  place(entry, 0, begins);
  MovedStack moved;
  for (auto &[reached, begin] : begins) {
    auto &function = *const_cast<llvm::Function *>(reached);
    Arrays arrays = largeArrays(function);
    if (arrays.empty())
      continue;
    llvm::IRBuilder<> builder(&function.getEntryBlock(), function.getEntryBlock().begin());
    if (!moved.address)
      moved.address =
          new llvm::GlobalVariable(module, builder.getPtrTy(), /*isConstant=*/false, llvm::GlobalValue::InternalLinkage,
                                   llvm::ConstantPointerNull::get(builder.getPtrTy()), "dlc.stack", nullptr,
                                   llvm::GlobalValue::GeneralDynamicTLSModel);
    llvm::Value *region = builder.CreateLoad(builder.getPtrTy(), builder.CreateThreadLocalAddress(moved.address));
    int64_t at = begin;
    for (auto &[alloca, bytes] : arrays) {
      alloca->replaceAllUsesWith(builder.CreateConstInBoundsGEP1_64(builder.getInt8Ty(), region, at));
      alloca->eraseFromParent();
      at += bytes;
    }
    moved.bytes = std::max(moved.bytes, at);
  }
  return moved;
}

} // namespace dlc

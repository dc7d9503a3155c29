// A library is an object, the wrapper with C's conventions inside, that the system's compiler driver or linker turns into a
// shared object.
#include "codegen/native/ObjectFile.h"
#include "codegen/native/Linker.h"
#include "codegen/native/Lowering.h"
#include "codegen/native/StackToScratch.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace dlc {

llvm::Error writeCode(ModuleOp planned, const Target &target, StringRef kind, StringRef path) {
  std::string bytes;
  llvm::raw_string_ostream stream(bytes);
  if (kind == "asm" || kind == "llvm") {
    if (llvm::Error error = printLowered(planned, target, kind, stream))
      return error;
    return writeFile(path, bytes);
  }
  if (kind != "obj")
    return llvm::createStringError("there is no kind of file `" + kind + "`; there are obj, asm and llvm");
  auto entry = plannedEntry(planned);
  if (!entry)
    return entry.takeError();
  if (stepSymbol(entry->getName()) != entry->getName())
    return llvm::createStringError("an object cannot export `" + entry->getName() +
                                   "`: the C library has a function of that name, which compiled code may call");
  OwningOpRef<ModuleOp> loops(planned.clone());
  prepareContext(*planned.getContext());
  if (llvm::Error error = runReporting(*planned.getContext(), [&] { return emitLoops(*loops, target); }))
    return error;
  llvm::LLVMContext context;
  auto module = lowerToLlvm(*loops, target, context);
  if (!module)
    return module.takeError();
  auto object = generateCode(**module, target, CodeKind::Object);
  if (!object)
    return object.takeError();
  return writeFile(path, (*object)->getBuffer());
}

/// Whether a kernel of the function writes into the block `block`.
static bool writesTo(func::FuncOp function, BlockArgument block) {
  bool writes = false;
  function.walk([&](dl::KernelOp kernel) {
    for (Value out : kernel.getOuts()) {
      auto buffer = out.getDefiningOp<dl::BufferOp>();
      writes |= buffer && buffer.getBlock() == block;
    }
  });
  return writes;
}

static int64_t bytesOf(Type block) { return cast<MemRefType>(block).getNumElements(); }

static llvm::Error verifyExport(func::FuncOp function, StringRef name, ArrayRef<char> params) {
  bool identifier = !name.empty() && !llvm::isDigit(name[0]) &&
                    llvm::all_of(name, [](char c) { return llvm::isAlnum(c) || c == '_'; });
  if (!identifier)
    return llvm::createStringError("`" + name + "` is no C identifier");
  if (stepSymbol(name) != name)
    return llvm::createStringError("a library cannot export `" + name +
                                   "`: the C library has a function of that name, which compiled code may call");
  if (writesTo(function, function.getArgument(0)))
    return llvm::createStringError("`" + function.getName() + "` changes its parameters; a library's are constants");
  bool prints =
      function
          .walk([](dl::KernelOp kernel) {
            return kernel.getKind() == dl::KernelKind::print ? WalkResult::interrupt() : WalkResult::advance();
          })
          .wasInterrupted();
  if (prints)
    return llvm::createStringError("`" + function.getName() + "` prints; a library has nowhere to print to");
  if (bytesOf(function.getArgumentTypes()[1]) != 0)
    return llvm::createStringError("`" + function.getName() + "` has state; a library keeps none between calls");
  if (!function->getAttrOfType<ArrayAttr>("dl.inputs") || !function->getAttrOfType<ArrayAttr>("dl.outputs"))
    return llvm::createStringError("`" + function.getName() + "` does not name its inputs and outputs");
  int64_t expected = bytesOf(function.getArgumentTypes()[0]);
  if (static_cast<int64_t>(params.size()) != expected)
    return llvm::createStringError("the parameters are " + std::to_string(params.size()) + " bytes long, but `" +
                                   function.getName() + "` expects " + std::to_string(expected));
  return llvm::Error::success();
}

/// Adds NAME and NAME_scratch_bytes; everything else becomes internal.
static void addWrapper(llvm::Module &module, func::FuncOp planned, StringRef name, ArrayRef<char> params) {
  llvm::LLVMContext &context = module.getContext();
  llvm::Function *step = module.getFunction(stepSymbol(planned.getName()));
  step->setLinkage(llvm::GlobalValue::InternalLinkage);
  // With points, which no exported name has.
  step->setName("dlc.step");
  llvm::IRBuilder<> builder(context);
  auto *pointer = builder.getPtrTy();
  auto *null = llvm::ConstantPointerNull::get(pointer);
  llvm::Value *block = null;
  if (!params.empty()) {
    auto *data =
        llvm::ConstantDataArray::getRaw(StringRef(params.data(), params.size()), params.size(), builder.getInt8Ty());
    auto *global = new llvm::GlobalVariable(module, data->getType(), /*isConstant=*/true,
                                            llvm::GlobalValue::InternalLinkage, data, "dlc.params");
    global->setAlignment(llvm::Align(64));
    block = global;
  }
  unsigned inputs = planned->getAttrOfType<ArrayAttr>("dl.inputs").size();
  unsigned outputs = planned->getAttrOfType<ArrayAttr>("dl.outputs").size();
  SmallVector<llvm::Type *> types(inputs + outputs + 1, pointer);
  auto *type = llvm::FunctionType::get(builder.getInt32Ty(), types, false);
  auto *function = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, name, module);
  builder.SetInsertPoint(llvm::BasicBlock::Create(context, "", function));
  auto makeArray = [&](unsigned first, unsigned count) -> llvm::Value * {
    llvm::Value *array = builder.CreateAlloca(pointer, builder.getInt32(std::max(count, 1u)));
    for (unsigned i = 0; i < count; ++i)
      builder.CreateStore(function->getArg(first + i), builder.CreateConstGEP1_32(pointer, array, i));
    return array;
  };
  llvm::Value *ins = makeArray(0, inputs), *outs = makeArray(inputs, outputs);
  // The arena begins at the first multiple of 64 in the scratch memory.
  llvm::Value *scratch = function->getArg(inputs + outputs);
  llvm::Value *address = builder.CreatePtrToInt(scratch, builder.getInt64Ty());
  llvm::Value *skip = builder.CreateAnd(builder.CreateNeg(address), builder.getInt64(63));
  llvm::Value *arena = builder.CreateGEP(builder.getInt8Ty(), scratch, skip);
  // Behind it lies what kernels keep on the stack elsewhere.
  MovedStack stack = moveStackToScratch(module, *step);
  int64_t arenaBytes = llvm::alignTo(bytesOf(planned.getArgumentTypes().back()), 64);
  if (stack.address)
    builder.CreateStore(builder.CreateConstGEP1_64(builder.getInt8Ty(), arena, arenaBytes),
                        builder.CreateThreadLocalAddress(stack.address));
  llvm::Value *status = builder.CreateCall(step, {block, null, ins, outs, arena, null});
  builder.CreateRet(builder.CreateTrunc(status, builder.getInt32Ty()));

  auto *sizeType = llvm::FunctionType::get(builder.getInt64Ty(), false);
  auto *size = llvm::Function::Create(sizeType, llvm::GlobalValue::ExternalLinkage, name + "_scratch_bytes", module);
  builder.SetInsertPoint(llvm::BasicBlock::Create(context, "", size));
  builder.CreateRet(builder.getInt64(arenaBytes + stack.bytes + 63));
}

llvm::Expected<TemporaryFile> exportedObject(ModuleOp planned, const Target &target, StringRef name,
                                             ArrayRef<char> params) {
  auto entry = plannedEntry(planned);
  if (!entry)
    return entry.takeError();
  if (llvm::Error error = verifyExport(*entry, name, params))
    return std::move(error);
  OwningOpRef<ModuleOp> loops(planned.clone());
  prepareContext(*planned.getContext());
  if (llvm::Error error = runReporting(*planned.getContext(), [&] { return emitLoops(*loops, target); }))
    return std::move(error);
  llvm::LLVMContext context;
  auto module = lowerToLlvm(*loops, target, context);
  if (!module)
    return module.takeError();
  addWrapper(**module, *entry, name, params);
  auto object = generateCode(**module, target, CodeKind::Object);
  if (!object)
    return object.takeError();
  return TemporaryFile::create("o", (*object)->getBuffer());
}

llvm::Error writeLibrary(ModuleOp planned, const Target &target, StringRef name, ArrayRef<char> params, StringRef path,
                         StringRef headerPath) {
  auto object = exportedObject(planned, target, name, params);
  if (!object)
    return object.takeError();
  auto header = libraryHeader(planned, name);
  if (!header)
    return header.takeError();
  if (llvm::Error error = linkLibrary(object->path(), path, callsLapack(*plannedEntry(planned))))
    return error;
  return writeFile(headerPath, *header);
}

} // namespace dlc

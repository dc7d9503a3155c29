// Each thread has a target machine and a code generator of its own, which know the processor after their first function.
#include "codegen/native/CodeQueue.h"
#include "codegen/native/Lowering.h"
#include "llvm/Target/TargetMachine.h"
#include <algorithm>
#include <system_error>

namespace dlc {

static bool isSmaller(const CodePart *a, const CodePart *b) { return a->instructions < b->instructions; }

void CodeQueue::add(CodePart &part) {
  part.instructions = part.module->getInstructionCount();
  {
    std::lock_guard<std::mutex> lock(mutex);
    pending.push_back(&part);
    std::push_heap(pending.begin(), pending.end(), isSmaller);
  }
  changed.notify_one();
  if (threads.size() + 1 >= std::thread::hardware_concurrency())
    return;
  try {
    threads.emplace_back([this] { work(/*waits=*/true); });
  } catch (const std::system_error &) {
    // The system gives no more threads: those that there are do what is left.
  }
}

void CodeQueue::finish() {
  {
    std::lock_guard<std::mutex> lock(mutex);
    isComplete = true;
  }
  changed.notify_all();
  work(/*waits=*/false);
  for (std::thread &thread : threads)
    thread.join();
  threads.clear();
}

void CodeQueue::work(bool waits) {
  Maker maker;
  for (;;) {
    CodePart *part = nullptr;
    {
      std::unique_lock<std::mutex> lock(mutex);
      changed.wait(lock, [&] { return !waits || isComplete || !pending.empty(); });
      if (pending.empty())
        return;
      std::pop_heap(pending.begin(), pending.end(), isSmaller);
      part = pending.back();
      pending.pop_back();
    }
    generate(*part, maker);
  }
}

llvm::Error CodeQueue::Maker::begin(const Target &target) {
  if (generator)
    return llvm::Error::success();
  auto made = createTargetMachine(target);
  if (!made)
    return made.takeError();
  machine = std::move(*made);
  return CodeGenerator::create(*machine, CodeKind::Object).moveInto(generator);
}

void CodeQueue::generate(CodePart &part, Maker &maker) {
  if (llvm::Error error = maker.begin(target)) {
    part.problem = llvm::toString(std::move(error));
    return;
  }
  optimizeLightly(*part.module, target, *maker.machine);
  part.object = maker.generator->generate(*part.module);
  part.module.reset();
  part.context.reset();
}

} // namespace dlc

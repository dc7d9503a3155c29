// Planned functions in the process: several kernels, equal ones, checks, parallel calls, errors, and compiling on
// several threads at once.
#include "codegen/native/Jit.h"
#include "RuntimeTesting.h"
#include "codegen/native/Lowering.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <fstream>
#include <gtest/gtest.h>
#include <thread>

using namespace dlc;
using namespace dlc::testing;

namespace {
/// A context of its own and a module parsed in it.
struct Parsed {
  std::unique_ptr<mlir::MLIRContext> context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  explicit Parsed(const std::string &text) {
    mlir::DialectRegistry registry;
    registerCodegenDialects(registry);
    registry.insert<dl::DlDialect, mlir::memref::MemRefDialect>();
    context = std::make_unique<mlir::MLIRContext>(registry);
    module = mlir::parseSourceString<mlir::ModuleOp>(text, context.get());
  }
};

std::unique_ptr<Jit> makeJit() {
  auto jit = Jit::create(Target::host());
  EXPECT_TRUE(bool(jit));
  return std::move(*jit);
}

/// h = x w, y = h w2 through the arena; both products are the same kernel.
const char *twoProducts = R"(
func.func @f(%params: memref<1024xi8>, %state: memref<0xi8>, %x: memref<4x8xf32>, %y: memref<4x8xf32>, %arena: memref<128xi8>)
    attributes {dl.inputs = ["x"], dl.outputs = ["y"]} {
  %w1 = dl.buffer %params at 0 : memref<1024xi8> -> memref<8x8xf32>
  %w2 = dl.buffer %params at 256 : memref<1024xi8> -> memref<8x8xf32>
  %h = dl.buffer %arena at 0 : memref<128xi8> -> memref<4x8xf32>
  dl.kernel "first" contract ins(%x, %w1 : memref<4x8xf32>, memref<8x8xf32>) outs(%h : memref<4x8xf32>) {
  ^bb0(%a: tensor<4x8xf32>, %b: tensor<8x8xf32>):
    %r = dl.contract "mk,kn->mn" %a, %b : tensor<4x8xf32>, tensor<8x8xf32> -> tensor<4x8xf32>
    dl.yield %r : tensor<4x8xf32>
  }
  dl.kernel "second" contract ins(%h, %w2 : memref<4x8xf32>, memref<8x8xf32>) outs(%y : memref<4x8xf32>) {
  ^bb0(%a: tensor<4x8xf32>, %b: tensor<8x8xf32>):
    %r = dl.contract "mk,kn->mn" %a, %b : tensor<4x8xf32>, tensor<8x8xf32> -> tensor<4x8xf32>
    dl.yield %r : tensor<4x8xf32>
  }
  return
})";

/// Labels below 10, then their copy.
const char *checked = R"(
func.func @f(%params: memref<0xi8>, %state: memref<0xi8>, %label: memref<3x2xui8>, %id: memref<5xi64>, %y: memref<3x2xui8>,
             %arena: memref<0xi8>) attributes {dl.inputs = ["label", "id"], dl.outputs = ["y"]} {
  dl.kernel "check_label" check ins(%label : memref<3x2xui8>) outs() {
  ^bb0(%a: tensor<3x2xui8>):
    %c = dl.check_index %a below 10 what "label" : tensor<3x2xui8>
    dl.yield
  }
  dl.kernel "check_id" check ins(%id : memref<5xi64>) outs() {
  ^bb0(%a: tensor<5xi64>):
    %c = dl.check_index %a below 100 what "id" : tensor<5xi64>
    dl.yield
  }
  dl.kernel "copy" map ins(%label : memref<3x2xui8>) outs(%y : memref<3x2xui8>) {
  ^bb0(%a: tensor<3x2xui8>):
    dl.yield %a : tensor<3x2xui8>
  }
  return
})";
} // namespace

TEST(Jit, RunsKernelsInOrderThroughTheArena) {
  Parsed parsed(twoProducts);
  ASSERT_TRUE(parsed.module);
  auto jit = makeJit();
  auto function = jit->add(*parsed.module, "f");
  ASSERT_TRUE(bool(function)) << llvm::toString(function.takeError());
  alignas(64) float params[256] = {}, arena[32], x[32], y[32];
  for (int i = 0; i < 8; ++i)
    params[i * 8 + i] = 2, params[64 + i * 8 + (i + 1) % 8] = 3;
  for (int i = 0; i < 32; ++i)
    x[i] = float(i);
  void *inputs[] = {x}, *outputs[] = {y};
  EXPECT_EQ((*function)(params, nullptr, inputs, outputs, arena, nullptr), 0);
  for (int i = 0; i < 32; ++i)
    EXPECT_EQ(y[i / 8 * 8 + (i + 1) % 8], 6 * x[i]);
}

TEST(Jit, EqualKernelsAreOneFunction) {
  Parsed parsed(twoProducts);
  std::string text;
  llvm::raw_string_ostream stream(text);
  ASSERT_FALSE(bool(printLowered(*parsed.module, Target::host(), "loops", stream)));
  EXPECT_NE(text.find("@f.first"), std::string::npos);
  EXPECT_EQ(text.find("@f.second"), std::string::npos);
}

TEST(Jit, FailedChecksSayWhereAndStopTheStep) {
  Parsed parsed(checked);
  ASSERT_TRUE(parsed.module);
  auto jit = makeJit();
  auto function = jit->add(*parsed.module, "f");
  ASSERT_TRUE(bool(function)) << llvm::toString(function.takeError());
  uint8_t label[6] = {1, 2, 3, 4, 200, 11}, y[6] = {};
  int64_t id[5] = {1, 2, 3, -7, 5};
  void *inputs[] = {label, id}, *outputs[] = {y};
  dlc_context context{};
  EXPECT_EQ((*function)(nullptr, nullptr, inputs, outputs, nullptr, &context), 1);
  EXPECT_EQ(context.error_check, 1);
  EXPECT_EQ(context.error_index, 4);
  EXPECT_EQ(context.error_value, 200);
  EXPECT_EQ(y[0], 0);

  label[4] = label[5] = 9;
  EXPECT_EQ((*function)(nullptr, nullptr, inputs, outputs, nullptr, &context), 2);
  EXPECT_EQ(context.error_check, 2);
  EXPECT_EQ(context.error_index, 3);
  EXPECT_EQ(context.error_value, -7);
  EXPECT_EQ((*function)(nullptr, nullptr, inputs, outputs, nullptr, nullptr), 2);

  id[3] = 99;
  EXPECT_EQ((*function)(nullptr, nullptr, inputs, outputs, nullptr, &context), 0);
  EXPECT_EQ(y[4], 9);
}

/// Entries of a stack are checked one by one; a parameter changes when all of them are.
const char *checkedInLoops = R"(
func.func @f(%params: memref<64xi8>, %state: memref<0xi8>, %xs: memref<3x4x2xi64>, %arena: memref<0xi8>)
    attributes {dl.inputs = ["xs"], dl.outputs = []} {
  %w = dl.buffer %params at 0 : memref<64xi8> -> memref<f32>
  dl.loop times 3 reverse {
  ^bb0(%i: i64):
    %x = dl.entry %xs[%i] : memref<3x4x2xi64> -> memref<4x2xi64>
    dl.loop times 4 {
    ^bb0(%j: i64):
      %y = dl.entry %x[%j] : memref<4x2xi64> -> memref<2xi64>
      dl.kernel "check" check ins(%y : memref<2xi64>) outs() {
      ^bb0(%a: tensor<2xi64>):
        %c = dl.check_index %a below 10 what "x" : tensor<2xi64>
        dl.yield
      }
      dl.next
    }
    dl.next
  }
  dl.kernel "update" map ins(%w : memref<f32>) outs(%w : memref<f32>) {
  ^bb0(%a: tensor<f32>):
    %b = dl.add %a, %a : tensor<f32>
    dl.yield %b : tensor<f32>
  }
  return
})";

TEST(Jit, AFailureInLoopsNamesTheIterations) {
  Parsed parsed(checkedInLoops);
  ASSERT_TRUE(parsed.module);
  auto jit = makeJit();
  auto function = jit->add(*parsed.module, "f");
  ASSERT_TRUE(bool(function)) << llvm::toString(function.takeError());
  alignas(64) float params[16] = {3};
  int64_t xs[24] = {};
  xs[5] = 77, xs[11] = 12;
  void *inputs[] = {xs};
  dlc_context context{};
  // Backwards, entry 1 comes before entry 0.
  EXPECT_EQ((*function)(params, nullptr, inputs, nullptr, nullptr, &context), 1);
  EXPECT_EQ(context.error_index, 1);
  EXPECT_EQ(context.error_value, 12);
  ASSERT_EQ(context.error_loops, 2);
  EXPECT_EQ(context.error_iterations[0], 1);
  EXPECT_EQ(context.error_iterations[1], 1);
  EXPECT_EQ(params[0], 3);
  EXPECT_EQ((*function)(params, nullptr, inputs, nullptr, nullptr, nullptr), 1);

  xs[5] = xs[11] = 0;
  volatile int32_t stop = 1;
  context.stop = &stop;
  EXPECT_EQ((*function)(params, nullptr, inputs, nullptr, nullptr, &context), -1);
  EXPECT_EQ(params[0], 3);
  stop = 0;
  EXPECT_EQ((*function)(params, nullptr, inputs, nullptr, nullptr, &context), 0);
  EXPECT_EQ(params[0], 6);
}

/// y = 2 + 2 + ... with a kernel for each of many sizes, more than one thread compiles alone.
static std::string manyKernels(int count) {
  std::string text = "func.func @f(%params: memref<0xi8>, %state: memref<0xi8>, %arena: memref<0xi8>";
  std::string names, body;
  for (int i = 1; i <= count; ++i) {
    std::string n = std::to_string(i), tensor = "tensor<" + n + "xf32>", memref = "memref<" + n + "xf32>";
    text.insert(text.find(", %arena"), ", %y" + n + ": " + memref);
    names += (i > 1 ? ", \"y" : "\"y") + n + "\"";
    body += "  dl.kernel \"k" + n + "\" map ins() outs(%y" + n + " : " + memref +
            ") {\n    %c = dl.constant dense<2.0> : " + tensor + "\n    %r = dl.add %c, %c : " + tensor +
            "\n    dl.yield %r : " + tensor + "\n  }\n";
  }
  return text + ")\n    attributes {dl.inputs = [], dl.outputs = [" + names + "]} {\n" + body + "  return\n}";
}

TEST(Jit, CompilesWithoutAThreadOfItsOwnToo) {
  constexpr int count = 8;
  Parsed parsed(manyKernels(count));
  ASSERT_TRUE(parsed.module);
  auto jit = makeJit();
  NoMoreThreads scope;
  auto function = jit->add(*parsed.module, "f");
  ASSERT_TRUE(bool(function)) << llvm::toString(function.takeError());
  std::vector<float> results(64 * count);
  std::vector<void *> outputs;
  for (int i = 0; i < count; ++i)
    outputs.push_back(results.data() + 64 * i);
  EXPECT_EQ((*function)(nullptr, nullptr, nullptr, outputs.data(), nullptr, nullptr), 0);
  for (int i = 0; i < count; ++i)
    EXPECT_EQ(results[64 * i + i], 4) << i;
}

TEST(Jit, AnEmptyCheckKeepsItsNumber) {
  std::string text = checked;
  // Of no labels, but the check of the ids is the second still.
  for (size_t at; (at = text.find("3x2xui8")) != std::string::npos;)
    text.replace(at, 7, "0xui8");
  Parsed parsed(text);
  ASSERT_TRUE(parsed.module);
  auto jit = makeJit();
  auto function = jit->add(*parsed.module, "f");
  ASSERT_TRUE(bool(function)) << llvm::toString(function.takeError());
  int64_t id[5] = {1, 2, 3, -7, 5};
  void *inputs[] = {nullptr, id}, *outputs[] = {nullptr};
  dlc_context context{};
  EXPECT_EQ((*function)(nullptr, nullptr, inputs, outputs, nullptr, &context), 2);
  EXPECT_EQ(context.error_value, -7);
}

TEST(Jit, ModulesOfOneNameLiveSideBySideAndCompileAtOnce) {
  auto jit = makeJit();
  std::vector<std::thread> threads;
  std::vector<JitFunction> functions(6);
  for (size_t i = 0; i < functions.size(); ++i)
    threads.emplace_back([&, i] {
      Parsed parsed(i % 2 ? checked : twoProducts);
      if (auto function = jit->add(*parsed.module, "f"))
        functions[i] = *function;
      else
        ADD_FAILURE() << llvm::toString(function.takeError());
    });
  for (std::thread &thread : threads)
    thread.join();
  for (const JitFunction &function : functions)
    EXPECT_NE(function.function, nullptr);
  EXPECT_NE(functions[0].function, functions[2].function);
}

TEST(Jit, CodeLivesAsLongAsItsFunction) {
  JitFunction kept;
  {
    auto jit = makeJit();
    Parsed parsed(twoProducts);
    for (int i = 0; i < 3; ++i) {
      auto function = jit->add(*parsed.module, "f");
      ASSERT_TRUE(bool(function)) << llvm::toString(function.takeError());
      kept = *function;
    }
  }
  alignas(64) float params[256] = {}, arena[32], x[32] = {}, y[32] = {};
  void *inputs[] = {x}, *outputs[] = {y};
  EXPECT_EQ(kept.function(params, nullptr, inputs, outputs, arena, nullptr), 0);
}

/// A product whose right operand is packed by functions that kernels share.
const char *transposed = R"(
func.func @f(%params: memref<0xi8>, %state: memref<0xi8>, %x: memref<64x100xf32>, %w: memref<37x100xf32>,
             %y: memref<64x37xf32>, %arena: memref<0xi8>) attributes {dl.inputs = ["x", "w"], dl.outputs = ["y"]} {
  dl.kernel "product" contract ins(%x, %w : memref<64x100xf32>, memref<37x100xf32>) outs(%y : memref<64x37xf32>) {
  ^bb0(%a: tensor<64x100xf32>, %b: tensor<37x100xf32>):
    %r = dl.contract "mk,nk->mn" %a, %b : tensor<64x100xf32>, tensor<37x100xf32> -> tensor<64x37xf32>
    dl.yield %r : tensor<64x37xf32>
  }
  return
})";

TEST(Jit, CachedCodeIsTheSameCode) {
  llvm::SmallString<128> folder;
  ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("dlc-jit", folder));
  std::vector<float> x(64 * 100), w(37 * 100);
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = float(i * 7919 % 1000) / 999 - 0.5f;
  for (size_t i = 0; i < w.size(); ++i)
    w[i] = float(i * 104729 % 1000) / 999 - 0.5f;
  auto run = [&](const std::string &cache) {
    std::vector<float> y(64 * 37);
    auto jit = llvm::cantFail(Jit::create(Target::host(), cache));
    Parsed parsed(transposed);
    auto function = jit->add(*parsed.module, "f");
    EXPECT_TRUE(bool(function)) << llvm::toString(function.takeError());
    void *inputs[] = {x.data(), w.data()}, *outputs[] = {y.data()};
    if (function)
      EXPECT_EQ((*function)(nullptr, nullptr, inputs, outputs, nullptr, nullptr), 0);
    return y;
  };
  auto files = [&] {
    std::vector<std::string> paths;
    std::error_code problem;
    for (llvm::sys::fs::directory_iterator at(folder, problem), end; !problem && at != end; at.increment(problem))
      paths.push_back(at->path());
    return paths;
  };
  std::vector<float> expected = run("");
  EXPECT_TRUE(files().empty());
  EXPECT_EQ(run(std::string(folder)), expected);
  std::vector<std::string> kept = files();
  EXPECT_GE(kept.size(), 2u); // the kernel, and what it shares
  EXPECT_EQ(run(std::string(folder)), expected);
  EXPECT_EQ(files().size(), kept.size());
  // Whichever file is missing or damaged, it is made anew.
  for (const std::string &path : kept) {
    ASSERT_FALSE(llvm::sys::fs::remove(path));
    EXPECT_EQ(run(std::string(folder)), expected);
    std::ofstream(path) << "damaged";
    EXPECT_EQ(run(std::string(folder)), expected);
    uint64_t size = 0;
    EXPECT_FALSE(llvm::sys::fs::file_size(path, size));
    EXPECT_GT(size, 100u);
  }
  EXPECT_EQ(files().size(), kept.size());
  llvm::sys::fs::remove_directories(folder);
}

TEST(Jit, NamesWhatItCannotDo) {
  auto jit = makeJit();
  Parsed parsed(twoProducts);
  auto missing = jit->add(*parsed.module, "g");
  ASSERT_FALSE(bool(missing));
  EXPECT_EQ(llvm::toString(missing.takeError()), "the module has no function `g`");

  auto unknown = Target::named("znver55");
  ASSERT_FALSE(bool(unknown));
  EXPECT_EQ(llvm::toString(unknown.takeError()), "unknown processor `znver55`; did you mean `znver5`?");
  auto old = Target::named("x86-64-v2");
  ASSERT_FALSE(bool(old));
  EXPECT_EQ(llvm::toString(old.takeError()), "processor `x86-64-v2` has no AVX2 and FMA; dlc needs both");

  Target wide = *Target::named("x86-64-v4");
  if (!wide.canRun()) {
    auto refused = Jit::create(wide);
    ASSERT_FALSE(bool(refused));
    EXPECT_EQ(llvm::toString(refused.takeError()), "this machine cannot run code for the processor `x86-64-v4`");
  }
}

TEST(Target, WidthFollowsTheProcessor) {
  EXPECT_EQ(Target::named("x86-64-v3")->vectorBytes, 32);
  EXPECT_EQ(Target::named("x86-64-v4")->vectorBytes, 64);
  EXPECT_EQ(Target::named("znver3")->vectorBytes, 32);
  EXPECT_EQ(Target::named("znver5")->vectorBytes, 64);
  EXPECT_EQ(Target::named("skylake-avx512")->vectorBytes, 64);
  EXPECT_TRUE(Target::named("host")->canRun());
}

// Libraries that a C program can load: the header's text, the code's results, and what cannot be exported.
#include "codegen/native/ObjectFile.h"
#include "codegen/native/Lowering.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <pthread.h>

using namespace dlc;

namespace {
class ObjectFile : public ::testing::Test {
protected:
  void SetUp() override { ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("dlc-test", folder)); }
  void TearDown() override { llvm::sys::fs::remove_directories(folder); }
  std::string path(const char *name) { return (folder + "/" + name).str(); }
  mlir::OwningOpRef<mlir::ModuleOp> parse(const std::string &text) {
    mlir::DialectRegistry registry;
    registerCodegenDialects(registry);
    registry.insert<dl::DlDialect, mlir::memref::MemRefDialect>();
    context = std::make_unique<mlir::MLIRContext>(registry);
    return mlir::parseSourceString<mlir::ModuleOp>(text, context.get());
  }
  static std::string read(const std::string &file) {
    auto buffer = llvm::MemoryBuffer::getFile(file);
    return buffer ? (*buffer)->getBuffer().str() : "";
  }
  llvm::SmallString<64> folder;
  std::unique_ptr<mlir::MLIRContext> context;
};

/// y = tanh(x w), with the product in the arena.
const char *forward = R"(
func.func @forward(%params: memref<128xi8>, %state: memref<0xi8>, %x: memref<2x4xf32>, %y: memref<2x8xf32>, %arena: memref<64xi8>)
    attributes {dl.inputs = ["image-x"], dl.outputs = ["double"],
                dl.checks = [{what = "label", limit = 10 : i64}]} {
  %w = dl.buffer %params at 0 : memref<128xi8> -> memref<4x8xf32>
  %h = dl.buffer %arena at 0 : memref<64xi8> -> memref<2x8xf32>
  dl.kernel "product" contract ins(%x, %w : memref<2x4xf32>, memref<4x8xf32>) outs(%h : memref<2x8xf32>) {
  ^bb0(%a: tensor<2x4xf32>, %b: tensor<4x8xf32>):
    %r = dl.contract "mk,kn->mn" %a, %b : tensor<2x4xf32>, tensor<4x8xf32> -> tensor<2x8xf32>
    dl.yield %r : tensor<2x8xf32>
  }
  dl.kernel "activation" map ins(%h : memref<2x8xf32>) outs(%y : memref<2x8xf32>) {
  ^bb0(%a: tensor<2x8xf32>):
    %t = dl.tanh %a : tensor<2x8xf32>
    dl.yield %t : tensor<2x8xf32>
  }
  return
})";

std::string replaced(std::string text, const std::string &from, const std::string &to) {
  size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos);
  return text.replace(at, from.size(), to);
}
} // namespace

TEST_F(ObjectFile, ALibraryNeedsNothingOfDlc) {
  auto module = parse(forward);
  ASSERT_TRUE(module);
  float weights[32];
  for (int i = 0; i < 32; ++i)
    weights[i] = float(i % 5) / 10;
  llvm::ArrayRef<char> params(reinterpret_cast<char *>(weights), sizeof weights);
  llvm::Error error = writeLibrary(*module, Target::host(), "net", params, path("net.so"), path("net.h"));
  ASSERT_FALSE(bool(error)) << llvm::toString(std::move(error));
  void *library = dlopen(path("net.so").c_str(), RTLD_NOW | RTLD_LOCAL);
  ASSERT_TRUE(library) << dlerror();
  auto net = reinterpret_cast<int (*)(const float *, float *, void *)>(dlsym(library, "net"));
  auto scratchBytes = reinterpret_cast<size_t (*)()>(dlsym(library, "net_scratch_bytes"));
  ASSERT_TRUE(net && scratchBytes);
  EXPECT_EQ(dlsym(library, "step"), nullptr);
  EXPECT_EQ(scratchBytes(), 64u + 63u);
  std::vector<char> scratch(scratchBytes());
  float x[8] = {1, 2, 3, 4, -1, 0, 1, 0.5f}, y[16];
  EXPECT_EQ(net(x, y, scratch.data()), 0);
  for (int n = 0; n < 2; ++n)
    for (int m = 0; m < 8; ++m) {
      double sum = 0;
      for (int k = 0; k < 4; ++k)
        sum += double(x[n * 4 + k]) * weights[k * 8 + m];
      EXPECT_NEAR(y[n * 8 + m], std::tanh(sum), 1e-6);
    }
  dlclose(library);
}

/// A product whose panels and partial sums take some 200 KiB, called where the stack has 48.
TEST_F(ObjectFile, ALibraryNeedsLittleStack) {
  auto module = parse(R"(
func.func @forward(%params: memref<0xi8>, %state: memref<0xi8>, %x: memref<256x1000xf32>, %w: memref<512x1000xf32>, %y: memref<256x512xf32>,
                   %arena: memref<0xi8>) attributes {dl.inputs = ["x", "w"], dl.outputs = ["y"]} {
  dl.kernel "product" contract ins(%x, %w : memref<256x1000xf32>, memref<512x1000xf32>) outs(%y : memref<256x512xf32>) {
  ^bb0(%a: tensor<256x1000xf32>, %b: tensor<512x1000xf32>):
    %r = dl.contract "mk,nk->mn" %a, %b : tensor<256x1000xf32>, tensor<512x1000xf32> -> tensor<256x512xf32>
    dl.yield %r : tensor<256x512xf32>
  }
  return
})");
  ASSERT_TRUE(module);
  llvm::Error error = writeLibrary(*module, Target::host(), "net", {}, path("net.so"), path("net.h"));
  ASSERT_FALSE(bool(error)) << llvm::toString(std::move(error));
  void *library = dlopen(path("net.so").c_str(), RTLD_NOW | RTLD_LOCAL);
  ASSERT_TRUE(library) << dlerror();
  struct Call {
    int (*net)(const float *, const float *, float *, void *);
    std::vector<float> x = std::vector<float>(256 * 1000, 0.5f), w = std::vector<float>(512 * 1000, 2.0f),
                       y = std::vector<float>(256 * 512);
    std::vector<char> scratch = {};
  } call{reinterpret_cast<decltype(Call::net)>(dlsym(library, "net"))};
  auto scratchBytes = reinterpret_cast<size_t (*)()>(dlsym(library, "net_scratch_bytes"));
  ASSERT_TRUE(call.net && scratchBytes);
  EXPECT_GT(scratchBytes(), 48u << 10);
  call.scratch.resize(scratchBytes());
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, 48 << 10), 0);
  pthread_t thread;
  auto work = [](void *data) -> void * {
    auto &call = *static_cast<Call *>(data);
    call.net(call.x.data(), call.w.data(), call.y.data(), call.scratch.data());
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, work, &call), 0);
  pthread_join(thread, nullptr);
  for (float value : call.y)
    ASSERT_EQ(value, 1000.0f);
  dlclose(library);
}

TEST_F(ObjectFile, TheHeaderDescribesEveryArgument) {
  auto module = parse(forward);
  auto header = libraryHeader(*module, "net");
  ASSERT_TRUE(bool(header));
  for (const char *line :
       {" *   image_x: in, float[2][4]\n", " *   double_: out, float[2][8]\n",
        " *   1: an element of label is not in [0, 10) */\n",
        "int net(const float *image_x, float *double_, void *scratch);\n", "size_t net_scratch_bytes(void);\n"})
    EXPECT_NE(header->find(line), std::string::npos) << *header;
}

TEST_F(ObjectFile, TextAndObjectsCanBeWritten) {
  auto module = parse(forward);
  for (auto [kind, sign] : {std::pair("asm", "forward.product:"),
                            {"llvm", "define internal i64 @forward.product"},
                            {"obj", "\x7f"
                                    "ELF"}}) {
    llvm::Error error = writeCode(*module, Target::host(), kind, path("out"));
    ASSERT_FALSE(bool(error)) << llvm::toString(std::move(error));
    EXPECT_NE(read(path("out")).find(sign), std::string::npos) << kind;
  }
  EXPECT_EQ(llvm::toString(writeCode(*module, Target::host(), "elf", path("out"))),
            "there is no kind of file `elf`; there are obj, asm and llvm");
  std::string nowhere = path("missing/out");
  EXPECT_EQ(llvm::toString(writeCode(*module, Target::host(), "obj", nowhere)).find("cannot write `" + nowhere + "`"),
            0u);
}

TEST_F(ObjectFile, WhatALibraryCannotHoldIsRefused) {
  char bytes[128] = {};
  auto problem = [&](const std::string &text, const char *name, size_t size) {
    auto module = parse(text);
    return llvm::toString(
        writeLibrary(*module, Target::host(), name, llvm::ArrayRef(bytes, size), path("a.so"), path("a.h")));
  };
  EXPECT_EQ(problem(forward, "2net", 128), "`2net` is no C identifier");
  EXPECT_EQ(problem(forward, "net", 100), "the parameters are 100 bytes long, but `forward` expects 128");
  EXPECT_EQ(problem(replaced(forward, "%state: memref<0xi8>", "%state: memref<64xi8>"), "net", 128),
            "`forward` has state; a library keeps none between calls");
  EXPECT_EQ(problem(replaced(forward, "%arena at 0 : memref<64xi8>", "%params at 0 : memref<128xi8>"), "net", 128),
            "`forward` changes its parameters; a library's are constants");
  EXPECT_FALSE(llvm::sys::fs::exists(path("a.so")));
}

// Compiled functions as files: objects, assembly and LLVM IR; shared libraries for C programs that know nothing of dlc; and
// programs.
#pragma once

#include "codegen/Target.h"
#include "codegen/native/Linker.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include <string>

namespace dlc {

/// Writes the entry function of a planned module, a `dlc_function` (runtime/Abi.h) under its own name, to `path`: `kind` is
/// "obj", "asm" or "llvm".
llvm::Error writeCode(mlir::ModuleOp planned, const Target &target, llvm::StringRef kind, llvm::StringRef path);

/// Writes a shared library with two functions, and the C header that describes them:
///
///   int NAME(const T *input..., T *output..., void *scratch);
///   size_t NAME_scratch_bytes(void);
///
/// The parameters' block `params` is part of the library, which needs the C library and its libm at run time and nothing
/// else. `name` must be a C identifier. Fails when the function writes to its parameters or has state, when `params` is not
/// of the block's size, and when no linker is found.
llvm::Error writeLibrary(mlir::ModuleOp planned, const Target &target, llvm::StringRef name,
                         llvm::ArrayRef<char> params, llvm::StringRef path, llvm::StringRef headerPath);

/// Writes a program around the same function: it reads its inputs from .npy files and writes its results so; `--help`
/// lists them. It needs the C library and libm. Fails as writeLibrary does, and where no C compiler is found.
llvm::Error writeProgram(mlir::ModuleOp planned, const Target &target, llvm::StringRef name,
                         llvm::ArrayRef<char> params, llvm::StringRef path);

/// The object of both: the function `name` and its companion, nothing else visible.
llvm::Expected<TemporaryFile> exportedObject(mlir::ModuleOp planned, const Target &target, llvm::StringRef name,
                                             llvm::ArrayRef<char> params);

/// `an element of label is not in [0, 10)`: what an entry of `dl.checks` says when it fails.
std::string failureText(mlir::DictionaryAttr check);

/// Whether a planned function calls LAPACK, whose library then belongs to what it is linked with.
bool callsLapack(mlir::func::FuncOp planned);

/// The text of that header.
llvm::Expected<std::string> libraryHeader(mlir::ModuleOp planned, llvm::StringRef name);

} // namespace dlc

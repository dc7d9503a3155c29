// `dlc compile FILE --entry NAME`: one function as a library, an object, or the text of a stage. Never trains.
#include "tools/Commands.h"
#include "tools/Session.h"

#include "codegen/ObjectFile.h"
#include "frontend/Parser.h"
#include "runtime/Checkpoint.h"

#include "llvm/Support/FileSystem.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdio>

namespace dlc {

namespace {
struct CompileArguments {
  std::string file, entry, weights, emit = "lib", output, cpu = "host";
  std::vector<std::string> sizes, settings, disabled;
};

/// The elaborated entry and what it came from.
struct Compilation {
  SourceManager sources;
  DiagnosticEngine diagnostics{sources};
  mlir::MLIRContext context{mlir::MLIRContext::Threading::DISABLED};
  ast::AstContext tree;
};
} // namespace

static int fail(const std::string &message, int code = 1) {
  std::fprintf(stderr, "error: %s\n", message.c_str());
  return code;
}

/// `path` without its last suffix, and a C identifier made of its file name.
static std::string withoutSuffix(const std::string &path) {
  size_t dot = path.rfind('.'), slash = path.rfind('/');
  return dot == std::string::npos || (slash != std::string::npos && dot < slash) ? path : path.substr(0, dot);
}

static std::string identifier(const std::string &entry) {
  std::string name;
  for (char c : entry)
    name += isalnum(static_cast<unsigned char>(c)) ? char(tolower(static_cast<unsigned char>(c))) : '_';
  return name.empty() || isdigit(static_cast<unsigned char>(name[0])) ? "f_" + name : name;
}

/// Makes parameters inputs like others: without weights they are given at each call.
static void passParameters(mlir::ModuleOp module) {
  mlir::Builder builder(module.getContext());
  for (auto function : module.getOps<mlir::func::FuncOp>())
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      if (auto role = function.getArgAttrOfType<mlir::StringAttr>(i, "dl.role"); role && role.getValue() == "param")
        function.setArgAttr(i, "dl.role", builder.getStringAttr("input"));
}

static int writeOutput(const CompileArguments &arguments, Compiler &compiler, DiagnosticEngine &diagnostics, mlir::OwningOpRef<mlir::ModuleOp> module) {
  bool exported = arguments.emit == "lib" || arguments.emit == "exe";
  if (exported && arguments.weights.empty())
    passParameters(*module);
  if (!exported && arguments.emit != "obj") {
    std::optional<std::string> printed = compiler.emit(std::move(module), arguments.emit);
    if (!printed)
      return diagnostics.exitCode();
    if (arguments.output.empty() || arguments.output == "-") {
      std::fwrite(printed->data(), 1, printed->size(), stdout);
      return 0;
    }
    std::error_code problem;
    llvm::raw_fd_ostream file(arguments.output, problem);
    if (problem)
      return fail(arguments.output + ": " + problem.message());
    file << *printed;
    return 0;
  }
  if (arguments.output.empty())
    return fail("`--emit " + arguments.emit + "` needs a file: -o OUT", 2);
  if (!compiler.lower(*module, PipelineStop::planned))
    return diagnostics.exitCode();
  if (arguments.emit == "obj") {
    if (llvm::Error error = writeCode(*module, compiler.target(), "obj", arguments.output))
      return fail(llvm::toString(std::move(error)));
    return 0;
  }
  std::unique_ptr<Compiled> described = Compiler::describe(*module);
  Result<Arena> params = Arena::allocate(described->paramBytes + 64);
  if (!params)
    return fail(params.error().str());
  if (!arguments.weights.empty()) {
    Result<void> loaded = loadCheckpoint(arguments.weights, {described->params, params->data()});
    if (!loaded)
      return fail(loaded.error().str());
  }
  llvm::ArrayRef<char> block(reinterpret_cast<const char *>(params->data()), described->paramBytes);
  std::string name = identifier(arguments.entry);
  llvm::Error error = arguments.emit == "exe"
                          ? writeProgram(*module, compiler.target(), name, block, arguments.output)
                          : writeLibrary(*module, compiler.target(), name, block, arguments.output, withoutSuffix(arguments.output) + ".h");
  return error ? fail(llvm::toString(std::move(error))) : 0;
}

static int compile(const CompileArguments &arguments) {
  std::map<std::string, int64_t> sizes;
  for (const std::string &text : arguments.sizes) {
    std::string name, value;
    char *end = nullptr;
    if (!splitAssignment(text, name, value))
      return fail("--size takes name=number, not `" + text + "`", 2);
    sizes[name] = std::strtoll(value.c_str(), &end, 10);
    if (value.empty() || *end || sizes[name] < 1)
      return fail("--size " + name + ": `" + value + "` is not a positive whole number", 2);
  }
  std::vector<Override> overrides;
  for (const std::string &text : arguments.settings) {
    Override override;
    if (!splitAssignment(text, override.name, override.value))
      return fail("--set takes name=value, not `" + text + "`", 2);
    overrides.push_back(override);
  }
  Result<std::string> text = readProgram(arguments.file);
  if (!text)
    return fail(text.error().str());
  llvm::Expected<Target> target = Target::named(arguments.cpu);
  if (!target)
    return fail(llvm::toString(target.takeError()));
  Compilation unit;
  loadDialects(unit.context);
  ast::Program program = parse(unit.sources, unit.sources.add(arguments.file, std::move(*text)), unit.tree, unit.diagnostics);
  Elaborator elaborator(unit.sources, unit.diagnostics, unit.context, nullptr);
  elaborator.overrides = overrides;
  if (unit.diagnostics.errorCount() == 0)
    elaborator.program(program);
  int code = unit.diagnostics.exitCode();
  if (code == 0) {
    Elaborator::EntryModule made = elaborator.entry(arguments.entry, sizes);
    code = unit.diagnostics.exitCode();
    if (made.module && code == 0) {
      Compiler compiler(unit.context, unit.sources, unit.diagnostics, *target, std::set<std::string>(arguments.disabled.begin(), arguments.disabled.end()));
      code = writeOutput(arguments, compiler, unit.diagnostics, std::move(made.module));
    }
  }
  std::fflush(stdout);
  std::fputs(unit.diagnostics.render(colourOfErrors()).c_str(), stderr);
  return code;
}

Action addCompileCommand(CLI::App &app) {
  CLI::App *command = app.add_subcommand("compile", "compile one function of a program to a library, an object, or the text of a stage");
  auto arguments = std::make_shared<CompileArguments>();
  command->add_option("file", arguments->file, "the program (.dl)")->required();
  command->add_option("--entry", arguments->entry, "the function: `f`, or `Model.forward` of a model made with its defaults")->required();
  command->add_option("--weights", arguments->weights, "a safetensors file with the model's parameters; without it they are inputs of the library or program");
  command->add_option("--size", arguments->sizes, "NAME=NUMBER: a size that the entry's types leave open (repeatable)")->allow_extra_args(false);
  command->add_option("--set", arguments->settings, "NAME=VALUE: a top-level `let` or a default of the trained model")->allow_extra_args(false);
  command->add_option("--emit", arguments->emit, "lib (a shared library and a C header), exe (a program from .npy to .npy files), obj, asm, llvm, or a stage: graph, gradient, fused, planned, loops")
      ->check(CLI::IsMember({"lib", "obj", "exe", "asm", "llvm", "graph", "gradient", "fused", "planned", "loops"}));
  command->add_option("-o,--output", arguments->output, "the file to write (text goes to standard output without it)");
  command->add_option("--cpu", arguments->cpu, "generate code for this processor (LLVM's names; `host` is this one)");
  command->add_option("--disable", arguments->disabled, "switch an optimisation off (repeatable)")->allow_extra_args(false);
  return [arguments] { return compile(*arguments); };
}

} // namespace dlc

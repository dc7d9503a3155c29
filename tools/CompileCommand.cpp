// `dlc compile FILE --entry NAME`: one function as a library, an object, or the text of a stage. Never trains.
#include "tools/Commands.h"
#include "tools/Session.h"

#include "codegen/native/ObjectFile.h"
#include "frontend/parser/Parser.h"
#include "runtime/Checkpoint.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <cstdio>
#include <dlfcn.h>
#include <set>

namespace dlc {

namespace {
struct CompileArguments {
  std::string file, entry, emit = "lib", output, cpu = "host";
  std::vector<std::string> weights, sizes, settings, disabled;
};

/// The elaborated entry and what it came from.
struct Compilation {
  SourceManager sources;
  DiagnosticEngine diagnostics{sources};
  mlir::MLIRContext context{mlir::MLIRContext::Threading::DISABLED};
  ast::AstContext tree;
};
} // namespace

/// Whether the parameters' values can be part of what is written.
static bool holdsWeights(const std::string &emit) { return emit == "lib" || emit == "exe"; }

static int fail(const std::string &message, int code = 1) {
  std::fprintf(stderr, "error: %s\n", message.c_str());
  return code;
}

/// `path` without its last suffix, and a C identifier made of its file name.
static std::string withoutSuffix(const std::string &path) {
  size_t dot = path.rfind('.'), slash = path.rfind('/');
  return dot == std::string::npos || (slash != std::string::npos && dot < slash) ? path : path.substr(0, dot);
}

/// Whether C or C++ has the name already: a keyword, a macro, or a function of the C library and its libm.
static bool isTaken(const std::string &name) {
  static const std::set<std::string> words = {
      // Keywords of C and C++ (those of small letters).
      "alignas", "alignof", "and", "and_eq", "asm", "auto", "bitand", "bitor", "bool", "break", "case", "catch", "char",
      "char8_t", "char16_t", "char32_t", "class", "co_await", "co_return", "co_yield", "compl", "concept", "const",
      "const_cast", "consteval", "constexpr", "constinit", "continue", "decltype", "default", "delete", "do", "double",
      "dynamic_cast", "else", "enum", "explicit", "export", "extern", "false", "float", "for", "friend", "goto", "if",
      "inline", "int", "long", "mutable", "namespace", "new", "noexcept", "not", "not_eq", "nullptr", "operator", "or",
      "or_eq", "private", "protected", "public", "register", "reinterpret_cast", "requires", "restrict", "return",
      "short", "signed", "sizeof", "static", "static_assert", "static_cast", "struct", "switch", "template", "this",
      "thread_local", "throw", "true", "try", "typedef", "typeid", "typename", "typeof", "typeof_unqual", "union",
      "unsigned", "using", "virtual", "void", "volatile", "wchar_t", "while", "xor", "xor_eq",
      // Macros and types of its headers, and what every program defines.
      "assert", "complex", "errno", "fpclassify", "isfinite", "isgreater", "isless", "isnormal", "isunordered", "linux",
      "main", "offsetof", "ptrdiff_t", "signbit", "size_t", "unix", "va_arg", "va_end", "va_start"};
  if (words.count(name))
    return true;
  // libm needs the C library: both are asked.
  static void *library = dlopen("libm.so.6", RTLD_LAZY | RTLD_LOCAL);
  return library && dlsym(library, name.c_str());
}

/// The C name of an entry: `mlp_forward` for `Mlp.forward`, `exp2_fn` for `exp2`.
static std::string identifier(const std::string &entry) {
  std::string name;
  for (char c : entry)
    name += isalnum(static_cast<unsigned char>(c)) ? char(tolower(static_cast<unsigned char>(c))) : '_';
  if (name.empty() || isdigit(static_cast<unsigned char>(name[0])))
    name = "f_" + name;
  return isTaken(name) ? name + "_fn" : name;
}

/// The names of the sizes that the types of an entry leave open, and of its model's arguments; nothing when there is no
/// such entry.
static std::optional<std::set<std::string>> sizesOf(const Elaborator &elaborator, const std::string &entry) {
  size_t dot = entry.find('.');
  std::string name = dot == std::string::npos ? "forward" : entry.substr(dot + 1);
  const Value *owner = elaborator.lookup(entry.substr(0, dot));
  const ast::ModelItem *model = nullptr;
  const ast::FnItem *function = nullptr;
  std::set<std::string> names;
  bool isTrained = owner && owner->kind == Value::Model && owner->model->trained;
  if (owner && owner->kind == Value::Model) {
    model = owner->model->item;
    if (!model)
      return isTrained ? std::set<std::string>{"batch"} : names;
  } else if (owner && owner->kind == Value::Fn) {
    model = owner->function->modelItem, function = owner->function->item;
  }
  if (model) {
    for (const ast::Parameter &parameter : model->parameters)
      names.insert(std::string(parameter.name));
    for (const ast::Member *member : model->members)
      if (member->kind == ast::MemberKind::Fn && member->name == name)
        function = member->fn;
  }
  if (!function)
    return std::nullopt;
  if (isTrained && llvm::any_of(function->parameters, [](const ast::Parameter &one) { return !one.type; }))
    names.insert("batch"); // of what its training calls it with
  for (const ast::Parameter &parameter : function->parameters)
    for (const ast::Expr *size : parameter.type ? parameter.type->sizes : std::vector<ast::Expr *>()) {
      // The names in `2 * hidden + input`.
      llvm::StringRef text = elaborator.sources.text(size->range);
      auto isPart = [](char c) { return llvm::isAlnum(c) || c == '_'; };
      while (!text.empty()) {
        llvm::StringRef word = text.take_while(isPart);
        text = text.drop_front(std::max<size_t>(word.size(), 1));
        if (!word.empty() && !llvm::isDigit(word[0]) && !text.starts_with("("))
          names.insert(word.str());
      }
    }
  return names;
}

/// Whether a size is one that data decides: `names.classes`.
static bool isOfData(const Elaborator &elaborator, const std::string &size) {
  const Value *data = elaborator.lookup(size.substr(0, size.find('.')));
  return data && data->kind == Value::Data && data->data->learned.count(size.substr(size.find('.') + 1)) != 0;
}

/// Takes the sizes of vocabularies that `--size` does not give from the files of the weights: those of the fields of data of
/// the same names.
static void knowVocabularies(Elaborator &elaborator, const ast::Program &program,
                             const std::vector<std::string> &weights) {
  auto add = [&](const std::string &name, int64_t size) {
    bool given = llvm::any_of(elaborator.overrides, [&](const Override &one) { return one.name == name; });
    if (!given)
      elaborator.overrides.push_back({name, std::to_string(size), true});
  };
  for (const std::string &text : weights) {
    Result<Vocabularies> saved = readVocabularies(text);
    if (std::string name, file; !saved && splitAssignment(text, name, file))
      saved = readVocabularies(file);
    if (!saved)
      continue; // whoever loads it says so
    for (const ast::Stmt *stmt : program.statements) {
      if (stmt->kind != ast::StmtKind::Item)
        continue;
      const ast::Item &item = *static_cast<const ast::ItemStmt *>(stmt)->item;
      if (item.kind != ast::ItemKind::Data)
        continue;
      for (const ast::Parameter &field : static_cast<const ast::DataItem &>(item).fields)
        if (auto known = saved->find(std::string(field.name)); known != saved->end()) {
          bool classes = known->second->kind() == Vocabulary::Kind::Classes;
          std::string size = std::string(item.name) + (classes ? ".classes" : ".vocab");
          add(size, known->second->size());
          add(size + "." + known->first, known->second->size());
        }
    }
  }
}

/// Makes parameters inputs like others: without weights they are given at each call.
static void passParameters(mlir::ModuleOp module) {
  mlir::Builder builder(module.getContext());
  for (auto function : module.getOps<mlir::func::FuncOp>())
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      if (auto role = function.getArgAttrOfType<mlir::StringAttr>(i, "dl.role"); role && role.getValue() == "param")
        function.setArgAttr(i, "dl.role", builder.getStringAttr("input"));
}

/// The parameters of models by name, each from its file (`FILE`, or `NAME=FILE` of several models), into `block`.
static Result<void> loadWeights(const CompileArguments &arguments, const std::vector<std::string> &models,
                                const std::vector<TensorSlot> &params, void *block) {
  std::map<std::string, std::string> files;
  for (const std::string &text : arguments.weights) {
    std::string name, file;
    bool named = splitAssignment(text, name, file) && std::count(models.begin(), models.end(), name) != 0;
    if (!named && models.size() == 1)
      name = models[0], file = text;
    else if (!named)
      return Error::plain("--weights " + text + ": `" + arguments.entry + "` has " +
                          (models.empty()
                               ? "no parameters"
                               : "the parameters of " + listed(models) + ": write `--weights " + models[0] + "=FILE`"));
    if (!files.emplace(name, file).second)
      return Error::plain("--weights: `" + name + "` is given twice");
  }
  for (const std::string &model : models) {
    auto file = files.find(model);
    if (file == files.end())
      return Error::plain("--weights: those of `" + model + "` are not given: `--weights " + model + "=FILE`");
    std::vector<TensorSlot> own;
    for (TensorSlot slot : params) {
      if (models.size() > 1 && !slot.name.starts_with(model + "."))
        continue;
      if (models.size() > 1)
        slot.name.erase(0, model.size() + 1);
      own.push_back(std::move(slot));
    }
    std::string rounded;
    if (Result<void> loaded = loadCheckpoint(file->second, {own, block}, &rounded); !loaded)
      return loaded.error();
    if (!rounded.empty())
      std::fprintf(stderr, "warning: %s\n", rounded.c_str());
  }
  return {};
}

static int writeOutput(const CompileArguments &arguments, Compiler &compiler, DiagnosticEngine &diagnostics,
                       mlir::OwningOpRef<mlir::ModuleOp> module, const std::vector<std::string> &models) {
  bool exported = holdsWeights(arguments.emit);
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
    Result<void> loaded = loadWeights(arguments, models, described->params, params->data());
    if (!loaded)
      return fail(loaded.error().str());
  }
  llvm::ArrayRef<char> block(reinterpret_cast<const char *>(params->data()), described->paramBytes);
  std::string name = identifier(arguments.entry);
  // A program has functions of its own, and nobody calls the entry by its name.
  if (arguments.emit == "exe")
    name = "entry_" + name;
  else if (name.ends_with("_fn") && !llvm::StringRef(arguments.entry).ends_with_insensitive("_fn"))
    std::fprintf(stderr, "note: the function is called `%s`, for C has `%s` already\n", name.c_str(),
                 name.substr(0, name.size() - 3).c_str());
  llvm::Error error = arguments.emit == "exe" ? writeProgram(*module, compiler.target(), name, block, arguments.output)
                                              : writeLibrary(*module, compiler.target(), name, block, arguments.output,
                                                             withoutSuffix(arguments.output) + ".h");
  return error ? fail(llvm::toString(std::move(error))) : 0;
}

static int compile(const CompileArguments &arguments) {
  if (!arguments.weights.empty() && !holdsWeights(arguments.emit))
    return fail("--weights: `--emit " + arguments.emit + "` holds no parameters, only `lib` and `exe` do", 2);
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
  ast::Program program =
      parse(unit.sources, unit.sources.add(arguments.file, std::move(*text)), unit.tree, unit.diagnostics);
  Elaborator elaborator(unit.sources, unit.diagnostics, unit.context, nullptr);
  elaborator.overrides = overrides;
  for (auto &[name, size] : sizes)
    if (name.find('.') != std::string::npos)
      elaborator.overrides.push_back({name, std::to_string(size), true});
  knowVocabularies(elaborator, program, arguments.weights);
  if (unit.diagnostics.failureCount() == 0)
    elaborator.program(program);
  int code = exitCodeOf(unit.diagnostics);
  if (std::optional<std::set<std::string>> open = sizesOf(elaborator, arguments.entry); open && code == 0)
    for (auto &[name, size] : sizes)
      if (!open->count(name) && !isOfData(elaborator, name)) {
        std::string known;
        for (const std::string &one : *open)
          known += (known.empty() ? "`" : ", `") + one + "`";
        return fail("--size " + name + ": `" + arguments.entry + "` " +
                        (known.empty() ? "leaves no size open" : "has no such size, only " + known),
                    2);
      }
  if (code == 0) {
    Elaborator::EntryModule made = elaborator.entry(arguments.entry, sizes);
    code = unit.diagnostics.exitCode();
    if (made.module && code == 0) {
      Compiler compiler(unit.context, unit.sources, unit.diagnostics, *target,
                        std::set<std::string>(arguments.disabled.begin(), arguments.disabled.end()));
      code = writeOutput(arguments, compiler, unit.diagnostics, std::move(made.module), made.models);
    }
  }
  std::fflush(stdout);
  std::fputs(unit.diagnostics.render(colourOfErrors()).c_str(), stderr);
  return code;
}

Action addCompileCommand(CLI::App &app) {
  CLI::App *command = app.add_subcommand(
      "compile", "compile one function of a program to a library, an object, or the text of a stage");
  auto arguments = std::make_shared<CompileArguments>();
  command->add_option("file", arguments->file, "the program (.dl)")->required();
  command
      ->add_option(
          "--entry", arguments->entry,
          "the function: `f`, a trained model by its name, or `Model.forward` of a model made with its defaults")
      ->required();
  command
      ->add_option(
          "--weights", arguments->weights,
          "a safetensors file with the model's parameters, which `lib` and `exe` then hold; without it they are "
          "inputs; NAME=FILE for each where the entry calls several trained models")
      ->allow_extra_args(false);
  command
      ->add_option("--size", arguments->sizes,
                   "NAME=NUMBER: a size that the entry's types leave open, or that data decides (repeatable)")
      ->allow_extra_args(false);
  command->add_option("--set", arguments->settings, "NAME=VALUE: a top-level `let` or a default of the trained model")
      ->allow_extra_args(false);
  command
      ->add_option("--emit", arguments->emit,
                   "lib (a shared library and a C header), exe (a program from .npy to .npy files), obj, asm, llvm, or "
                   "a stage: graph, gradient, fused, planned, loops")
      ->check(CLI::IsMember({"lib", "obj", "exe", "asm", "llvm", "graph", "gradient", "fused", "planned", "loops"}));
  command->add_option("-o,--output", arguments->output, "the file to write (text goes to standard output without it)");
  command->add_option("--cpu", arguments->cpu, "generate code for this processor (LLVM's names; `host` is this one)");
  addDisableOption(*command, arguments->disabled);
  return [arguments] { return compile(*arguments); };
}

} // namespace dlc

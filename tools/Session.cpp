// Sessions: files and prompt inputs elaborated and run, data opened, values printed. Training is in SessionTrain.cpp.
#include "tools/Session.h"

#include "codegen/native/ObjectCache.h"
#include "frontend/elaborate/Printing.h"
#include "frontend/parser/Parser.h"
#include "ir/KernelRole.h"
#include "runtime/AvailableThreads.h"
#include "runtime/Files.h"
#include "runtime/Print.h"
#include "runtime/Progress.h"
#include "runtime/RowParts.h"
#include "runtime/Sources.h"
#include "runtime/TrainingFunctions.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>

namespace dlc {

void loadDialects(mlir::MLIRContext &context) { context.loadDialect<dl::DlDialect, mlir::func::FuncDialect>(); }

Session::Session(SessionOptions options)
    : diagnostics(sources), context(mlir::MLIRContext::Threading::DISABLED), options(std::move(options)) {
  loadDialects(context);
  paths = SearchPaths::standard(this->options.programFile, this->options.dataFolder);
  pool = std::make_unique<ThreadPool>(threadsOr(this->options.threads));
  elaborator = std::make_unique<Elaborator>(sources, diagnostics, context, this);
  elaborator->overrides = this->options.overrides;
  elaborator->seedOverride = this->options.seed;
  output = [](const std::string &text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  };
}

Session::~Session() = default;

Result<std::unique_ptr<Session>> Session::create(SessionOptions options) {
  llvm::Expected<Target> target = Target::named(options.cpu);
  if (!target)
    return Error::plain(llvm::toString(target.takeError()));
  if (!target->canRun() && options.emit.empty())
    return Error::plain("this machine cannot run code for `" + target->cpu + "`");
  std::set<std::string> disabled = options.disabled;
  std::string cache = options.cache ? ObjectCache::standardFolder() : "";
  std::unique_ptr<Session> session(new Session(std::move(options)));
  session->compiler = std::make_unique<Compiler>(session->context, session->sources, session->diagnostics,
                                                 std::move(*target), std::move(disabled));
  session->compiler->cache = std::move(cache);
  return session;
}

Result<std::string> readProgram(const std::string &path) {
  constexpr size_t longest = size_t(16) << 20;
  return readFile(path, longest);
}

int exitCodeOf(const DiagnosticEngine &diagnostics) {
  for (const Diagnostic &diagnostic : diagnostics.all())
    if (severityOf(diagnostic.kind) != Severity::Warning)
      return diagnostic.kind == Diag::UnknownOverride ? 2 : diagnostics.exitCode();
  return 0;
}

DiagnosticEngine::Builder reportError(DiagnosticEngine &diagnostics, Diag kind, SourceRange at, const Error &error) {
  llvm::SmallVector<llvm::StringRef> lines;
  std::string text = error.str();
  llvm::StringRef(text).split(lines, '\n');
  DiagnosticEngine::Builder report = diagnostics.report(kind, at, lines[0].str());
  for (llvm::StringRef line : llvm::ArrayRef(lines).drop_front())
    report.note(line.trim().str());
  return report;
}

void Session::elaborate(const ast::Program &program, bool show) {
  InterruptScope interrupt;
  running = &interrupt;
  elaborator->program(program, show);
  for (auto &[at, error] : std::exchange(unsaved, {}))
    reportError(diagnostics, Diag::TrainingProblem, at, error);
  interrupted |= interrupt.requested();
  running = nullptr;
}

/// The statement that defines a name, those in loops too, or that stands in a line; null when there is none.
static const ast::Stmt *statementOf(llvm::ArrayRef<ast::Stmt *> statements, const std::string &wanted,
                                    const SourceManager &sources) {
  for (const ast::Stmt *stmt : statements) {
    std::string_view name;
    if (stmt->kind == ast::StmtKind::Let) {
      const ast::Expr &pattern = *static_cast<const ast::LetStmt *>(stmt)->pattern;
      name = pattern.kind == ast::ExprKind::Name ? static_cast<const ast::NameExpr &>(pattern).name : "";
    } else if (stmt->kind == ast::StmtKind::Item) {
      name = static_cast<const ast::ItemStmt *>(stmt)->item->name;
    } else if (stmt->kind == ast::StmtKind::For) {
      if (auto *found = statementOf(static_cast<const ast::ForStmt *>(stmt)->body->statements, wanted, sources))
        return found;
    }
    unsigned line = 0;
    bool isLine = !llvm::StringRef(wanted).getAsInteger(10, line);
    if (isLine ? sources.lineColumn(stmt->range.file, stmt->range.begin).line == line
               : !wanted.empty() && name == wanted)
      return stmt;
  }
  return nullptr;
}

void Session::runFile(const std::string &path) {
  Result<std::string> text = readProgram(path);
  if (!text) {
    diagnostics.report(Diag::RunProblem, {}, text.error().str());
    return;
  }
  ast::Program program = parse(sources, sources.add(path, std::move(*text)), tree, diagnostics);
  if (diagnostics.failureCount())
    return;
  if (program.statements.empty()) {
    diagnostics.report(Diag::RunProblem, {}, path + ": the program is empty");
    return;
  }
  if (const ast::Stmt *meant = statementOf(program.statements, options.emitOf, sources)) {
    emitAt = meant->range;
  } else if (!options.emitOf.empty()) {
    diagnostics.report(Diag::RunProblem, {}, "--of " + options.emitOf + ": no statement of the file defines this name")
        .help("the line of a statement does as well: `--of 12`");
    return;
  }
  // Everything is checked before anything runs.
  {
    Elaborator checker(sources, diagnostics, context, nullptr);
    checker.overrides = options.overrides;
    checker.program(program);
  }
  if (diagnostics.errorCount())
    return;
  // Warnings come before what may take long.
  std::fputs(diagnostics.render(options.colour).c_str(), stderr);
  diagnostics.clear();
  elaborator->checkItems = false;
  elaborate(program, false);
  elaborator->checkItems = true;
  if (!options.emitOf.empty() && !emitted && !interrupted && !diagnostics.errorCount())
    diagnostics.report(Diag::RunProblem, emitAt, "nothing is compiled here")
        .help("a function's code is a part of what calls it");
}

void Session::runInput(const std::string &text) {
  ast::Program program = parse(sources, sources.add("input", text), tree, diagnostics, ParseMode::prompt);
  if (!diagnostics.errorCount())
    elaborate(program, true);
}

void Session::ask(const ast::Program &program) {
  elaborator->asking([&] { elaborate(program, false); });
}

std::optional<ast::Program> Session::expression(const std::string &text) {
  ast::Program program = parse(sources, sources.add("input", text), tree, diagnostics, ParseMode::prompt);
  if (diagnostics.errorCount())
    return std::nullopt;
  if (program.statements.size() == 1 && program.statements[0]->kind == ast::StmtKind::Expr)
    return program;
  output("this is no expression\n");
  return std::nullopt;
}

void Session::show(const std::string &text, const std::string &stage) {
  std::optional<ast::Program> program = expression(text);
  if (!program)
    return;
  options.emit = stage;
  ask(*program);
  options.emit.clear();
  if (!stopped() && !diagnostics.errorCount())
    output("nothing is computed here: a function shows its code when it is called, as in `f(x)`\n");
}

std::optional<double> Session::time(const std::string &text) {
  std::optional<ast::Program> program = expression(text);
  if (!program)
    return std::nullopt;
  std::vector<std::vector<double>> measured;
  times = &measured;
  ask(*program);
  times = nullptr;
  if (measured.empty() || stopped() || diagnostics.errorCount())
    return std::nullopt;
  double seconds = 0;
  for (std::vector<double> &runs : measured) {
    std::nth_element(runs.begin(), runs.begin() + ptrdiff_t(runs.size() / 2), runs.end());
    seconds += runs[runs.size() / 2];
  }
  return seconds;
}

int Session::exitCode() const { return interrupted ? 130 : exitCodeOf(diagnostics); }

//===-- Data ------------------------------------------------------------------------------------------------------------===//

/// What a DataInfo's handle points to.
struct OpenedData {
  std::shared_ptr<const Dataset> data;
  std::map<std::string, HostBufferRef> columns = {}; ///< those that were asked for
};

static std::optional<SourceValue> sourceValue(const Value &value) {
  switch (value.kind) {
  case Value::String:
    return SourceValue(value.text);
  case Value::Bool:
    return SourceValue(value.flag);
  case Value::Number:
  case Value::SizeOf:
    return SourceValue(value.asDouble());
  default: {
    std::vector<double> numbers;
    for (const Value &element : value.elements) {
      if (!element.isNumber())
        return std::nullopt;
      numbers.push_back(element.asDouble());
    }
    return SourceValue(numbers);
  }
  }
}

/// Tensors as the columns of a data set, without a copy.
static std::shared_ptr<const Dataset> ofTensors(const DataInfo &info, std::vector<FieldSpec> fields) {
  std::vector<Column> columns;
  int64_t rows = 0;
  for (FieldSpec &field : fields)
    for (auto &[name, value] : info.source->arguments)
      if (name == field.name) {
        HostBufferRef host = value.values();
        if (!host)
          return nullptr;
        rows = host->shape[0];
        Column column;
        column.stride = field.rowBytes();
        column.spec = std::move(field);
        column.storage = std::shared_ptr<const Arena>(host->data, nullptr); // keeps the tensor alive
        column.data = static_cast<const std::byte *>(host->data.get());
        columns.push_back(std::move(column));
        break;
      }
  return std::make_shared<Dataset>(info.name, rows, std::move(columns));
}

/// What the data says of a data set's sizes.
static void learnFrom(DataInfo &info, std::shared_ptr<const Dataset> data) {
  info.rows = Size(data->size());
  for (const Column &column : data->columns())
    if (column.vocabulary) {
      std::string what = column.vocabulary->kind() == Vocabulary::Kind::Classes ? "classes" : "vocab";
      info.learned[what] = info.learned[what + "." + column.spec.name] = Size(column.vocabulary->size());
    }
  info.handle = std::make_shared<OpenedData>(OpenedData{std::move(data)});
}

void Session::warn(SourceRange at, const std::string &text, const std::string &help) const {
  DiagnosticEngine warnings(sources);
  auto report = warnings.report(Diag::DataWarning, at, text);
  if (!help.empty())
    report.help(help);
  std::fputs(warnings.render(options.colour).c_str(), stderr);
}

std::string Session::shownName(const DataInfo &info) const {
  std::string_view text = sources.text(info.at);
  constexpr size_t longest = 60;
  return isMadeOfRows(info) && !text.empty() && text.size() <= longest && text.find('\n') == text.npos
             ? std::string(text)
             : info.name;
}

bool Session::open(DataInfo &info) {
  auto problem = [&](const Error &error) {
    reportError(diagnostics, Diag::DataProblem, info.source ? info.source->at : info.at, error);
    return false;
  };
  std::vector<FieldSpec> fields;
  for (const DataInfo::Field &field : info.fields) {
    FieldSpec spec;
    spec.name = field.name;
    spec.dtype = field.dtype;
    spec.kind = field.category   ? FieldSpec::Kind::Category
                : field.isString ? FieldSpec::Kind::String
                                 : FieldSpec::Kind::Number;
    for (const Dim &dim : field.shape)
      spec.shape.push_back(dim.size.constant());
    fields.push_back(std::move(spec));
  }
  if (info.source->kind == "tensors") {
    std::shared_ptr<const Dataset> data = ofTensors(info, std::move(fields));
    if (!data)
      return problem(Error::plain("a tensor of the data set has no value yet"));
    learnFrom(info, data);
    return true;
  }
  SourceArguments arguments;
  for (auto &[name, value] : info.source->arguments) {
    std::optional<SourceValue> made = sourceValue(value);
    if (!made)
      return problem(Error::plain("an argument of the source is not a list of numbers"));
    if (name.empty())
      arguments.positional.push_back(*made);
    else
      arguments.named[name] = *made;
  }
  arguments.threads = options.threads;
  Result<std::shared_ptr<const Dataset>> data = openSource(info.source->kind, arguments, fields, paths);
  if (!data)
    return problem(data.error());
  // Messages name it as the program does.
  auto named = std::make_shared<Dataset>(**data);
  named->setName(info.name);
  for (const std::string &note : named->notes)
    warn(info.source->at, note);
  opened.push_back(named);
  learnFrom(info, named);
  return true;
}

std::shared_ptr<const Dataset> datasetOf(const DataInfo &info) {
  return std::static_pointer_cast<OpenedData>(info.handle)->data;
}

bool Session::choose(const DataInfo &data, const RowStep &step, const std::string &name, DataInfo &part,
                     SourceRange at) {
  Result<Dataset> made = rowsOf(*datasetOf(data), step, name);
  if (!made) {
    reportError(diagnostics, Diag::DataProblem, at, made.error());
    return false;
  }
  learnFrom(part, std::make_shared<Dataset>(std::move(*made)));
  return true;
}

HostBufferRef Session::column(const DataInfo &info, const std::string &field) {
  auto opened = std::static_pointer_cast<OpenedData>(info.handle);
  HostBufferRef &buffer = opened->columns[field];
  if (buffer)
    return buffer;
  std::shared_ptr<const Dataset> data = opened->data;
  Result<Column> column = data->dense(field);
  if (!column) {
    reportError(diagnostics, Diag::DataProblem, info.source ? info.source->at : info.at, column.error());
    return nullptr;
  }
  buffer = std::make_shared<HostBuffer>();
  buffer->dtype = column->spec.dtype;
  buffer->shape = {data->size()};
  buffer->shape.insert(buffer->shape.end(), column->spec.shape.begin(), column->spec.shape.end());
  buffer->bytes = size_t(data->size()) * column->spec.rowBytes();
  // Shares the column's memory; compiled code only reads its inputs.
  buffer->data = std::shared_ptr<void>(column->storage, const_cast<std::byte *>(column->data));
  return buffer;
}

//===-- Running ------------------------------------------------------------------------------------------------------------===//

Result<HostBufferRef> allocateTensor(mlir::RankedTensorType type) {
  auto buffer = std::make_shared<HostBuffer>();
  buffer->dtype = dtypeOf(type.getElementType());
  buffer->shape.assign(type.getShape().begin(), type.getShape().end());
  buffer->bytes = size_t(type.getNumElements()) * sizeOf(buffer->dtype);
  Result<Arena> arena = Arena::allocate(buffer->bytes + 64);
  if (!arena)
    return arena.error();
  auto held = std::make_shared<Arena>(std::move(*arena));
  buffer->data = std::shared_ptr<void>(held, held->data());
  return buffer;
}

bool Session::run(mlir::ModuleOp module, const std::vector<HostBufferRef> &inputs, std::vector<HostBufferRef> &outputs,
                  SourceRange at) {
  outputs.clear();
  return runInto(module, inputs, outputs, at);
}

bool Session::emits(SourceRange at) const {
  bool within = at.file == emitAt.file && emitAt.begin <= at.begin && at.end <= emitAt.end;
  return !options.emit.empty() && (options.emitOf.empty() || within);
}

std::shared_ptr<const Compiled> Session::prepare(mlir::ModuleOp module, std::vector<mlir::RankedTensorType> &types,
                                                 SourceRange at) {
  mlir::OwningOpRef<mlir::ModuleOp> owned(module.clone());
  auto function = *owned->getOps<mlir::func::FuncOp>().begin();
  for (auto candidate : owned->getOps<mlir::func::FuncOp>())
    if (candidate.isPublic())
      function = candidate;
  mlir::OpBuilder attributes(&context);
  for (unsigned i = 0; i < function.getNumArguments(); ++i) {
    function.setArgAttr(i, "dl.role", attributes.getStringAttr("input"));
    function.setArgAttr(i, "dl.name", attributes.getStringAttr("in" + std::to_string(i)));
  }
  types.clear();
  for (mlir::Type type : function.getResultTypes())
    types.push_back(mlir::cast<mlir::RankedTensorType>(type));
  for (unsigned i = 0; i < types.size(); ++i)
    function.setResultAttr(i, "dl.name", attributes.getStringAttr("out" + std::to_string(i)));
  if (emits(at)) {
    if (std::optional<std::string> text = compiler->emit(std::move(owned), options.emit))
      output(*text);
    emitted = true;
    return nullptr;
  }
  if (stopped())
    return nullptr;
  // A loop's statements are the same each time. Those of a long session at the prompt do not stay for ever.
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << *owned;
  owned->walk([&](mlir::Operation *op) {
    if (dl::kernelRole(op).mayFail)
      stream << op->getLoc(); // where its failure is shown
  });
  constexpr size_t most = 256;
  if (statements.size() >= most && !statements.count(text))
    statements.clear();
  std::shared_ptr<const Compiled> &compiled = statements[text];
  if (!compiled)
    compiled = compiler->compile(std::move(owned));
  return compiled;
}

bool Session::call(const Compiled &compiled, std::vector<void *> inputs, std::vector<void *> outputs, SourceRange at,
                   const BatchRows &batch) {
  Result<Arena> arena = Arena::allocate(compiled.function.arenaBytes + 64);
  if (!arena) {
    diagnostics.report(Diag::RunProblem, at, "what this computes " + arena.error().str());
    return false;
  }
  dlc_context call = pool->context();
  if (running)
    call.stop = running->flag();
  Printer::Write write = [this](std::string_view line) { output(std::string(line) + "\n"); };
  Printer printer(call, compiled.function.prints, write, digits);
  // Ctrl-C may have come while the function was compiled.
  auto once = [&] {
    return stopped()
               ? -1
               : compiled.function.function(nullptr, nullptr, inputs.data(), outputs.data(), arena->data(), &call);
  };
  int64_t status = once();
  if (status == 0 && times) {
    using Clock = std::chrono::steady_clock;
    constexpr size_t most = 101;
    std::vector<double> &runs = times->emplace_back();
    call.print = nullptr;
    for (Clock::time_point end = Clock::now() + std::chrono::seconds(1);
         status == 0 && runs.size() < most && (runs.empty() || Clock::now() < end);) {
      Clock::time_point begin = Clock::now();
      status = once();
      runs.push_back(std::chrono::duration<double>(Clock::now() - begin).count());
    }
  }
  if (stopped() || status < 0)
    return false;
  if (status == 0)
    return true;
  // Where it was asked for, in the user's text, and the statement that came to it.
  SourceRange place;
  if (size_t(status) <= compiled.checkPlaces.size())
    place = placeOf(compiled.checkPlaces[size_t(status) - 1], sources);
  if (!place.valid() || sources.name(place.file).starts_with("std/"))
    place = at;
  bool isWithin = place.file == at.file && at.begin <= place.begin && place.end <= at.end;
  auto report = reportError(diagnostics, Diag::RunProblem, place,
                            checkError(compiled.function, status, call, batch.data, batch.rows, batch.count));
  if (!isWithin)
    report.note(at, "in what this computes");
  return false;
}

bool Session::runInto(mlir::ModuleOp module, const std::vector<HostBufferRef> &inputs,
                      std::vector<HostBufferRef> &outputs, SourceRange at) {
  std::vector<mlir::RankedTensorType> types;
  std::shared_ptr<const Compiled> compiled = prepare(module, types, at);
  if (!compiled)
    return false;
  std::vector<void *> in, out;
  for (const HostBufferRef &input : inputs)
    in.push_back(input->data.get());
  outputs.resize(types.size());
  for (auto [type, output] : llvm::zip_equal(types, outputs)) {
    if (!output) {
      Result<HostBufferRef> result = allocateTensor(type);
      if (!result) {
        diagnostics.report(Diag::RunProblem, at, "the result " + result.error().str());
        return false;
      }
      output = *result;
    }
    out.push_back(output->data.get());
  }
  return call(*compiled, std::move(in), std::move(out), at);
}

//===-- Printing ---------------------------------------------------------------------------------------------------------------===//

/// The members of a group, as a training shows its metrics; longer ones by their types.
static std::string formatGroup(const Value &group, Digits digits) {
  std::string text;
  for (const ModelInstance::Entry &entry : group.model->entries) {
    const Value &member = *entry.layer;
    bool metric = member.isTensor() && member.shape.empty() && member.dtype == DType::F32 && member.host;
    std::string shown = metric ? formatMetric(entry.name, *static_cast<const float *>(member.host->data.get()))
                        : isGroup(member)   ? "{ " + formatGroup(member, digits) + " }"
                        : member.isTensor() ? typeString(member)
                                            : formatValue(member, digits);
    text += (text.empty() ? "" : "  ") + entry.name + " " + shown;
  }
  return text;
}

/// Numbers of categories as their names.
static std::string namesText(const HostBuffer &numbers, const std::vector<std::string> &names) {
  std::vector<std::string> found;
  for (int64_t i = 0, n = elementCount(numbers.shape).value_or(0); i < n; ++i) {
    double number = elementAsDouble(numbers.dtype, static_cast<const std::byte *>(numbers.data.get()), i);
    bool known = number >= 0 && number < double(names.size());
    found.push_back(known ? names[size_t(number)] : formatTensor(DType::F64, {}, &number));
  }
  Value column = Value::ofStrings(std::make_shared<const std::vector<std::string>>(found), {}, {});
  return numbers.shape.empty() ? found[0] : textOf(column, nullptr);
}

std::string formatValue(const Value &value, Digits digits) {
  if (isGroup(value) && !value.model->entries[0].layer->isNumber())
    return formatGroup(value, digits);
  if (value.kind == Value::Number && value.isFloat && digits.count != Digits().count) {
    DType dtype = value.dtypeOr(DType::F64);
    return formatTensor(DType::F64, {}, &value.number, dtype == DType::F64 ? digits : Digits{});
  }
  return textOf(value, [digits](const Value &tensor) {
    HostBufferRef host = tensor.values();
    if (host && tensor.strings && host->shape.size() < 2)
      return namesText(*host, *tensor.strings);
    return host ? formatTensor(host->dtype, host->shape, host->data.get(), digits) : typeString(tensor);
  });
}

void Session::print(const std::vector<Value> &values) {
  std::vector<std::string> texts;
  for (const Value &value : values)
    texts.push_back(formatValue(value, digits));
  output(joinPrinted(texts) + "\n");
}

} // namespace dlc

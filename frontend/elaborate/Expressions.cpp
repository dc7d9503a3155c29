// Elaborates expressions: literals, names, members, blocks, lists, conditionals.
#include "frontend/elaborate/ActiveCalls.h"
#include "frontend/elaborate/Describe.h"
#include "frontend/elaborate/Foreign.h"
#include "frontend/elaborate/Texts.h"
#include "frontend/elaborate/TrainElaborator.h"
#include "frontend/syntax/ForeignNames.h"

#include <algorithm>
#include <limits>

namespace dlc {

using namespace ast;

/// Counts how deep the walk is, so that a program cannot exhaust the stack.
class DepthGuard {
public:
  explicit DepthGuard(unsigned &depth) : depth(depth) { ++depth; }
  ~DepthGuard() { --depth; }

private:
  unsigned &depth;
};

static constexpr unsigned maxDepth = 1500;

/// How many elements a list may have, those of lists within it counted: they are all known while compiling.
static constexpr size_t maxLeaves = 500'000;

static size_t leafCount(const std::vector<Value> &values) {
  size_t count = values.size();
  for (const Value &value : values)
    count += leafCount(value.elements);
  return count;
}

Value Elaborator::expression(const Expr &expr, const ScopeRef &scope) {
  DepthGuard guard(depth);
  if (depth == 1) {
    tooDeep = false;
    unrolledElements = 0;
  }
  if (depth > maxDepth && !tooDeep) {
    error(Diag::TooDeep, expr.range, maxDepth).help("recursion as deep as this is better a loop: `for i in 0..n`");
    tooDeep = true;
  }
  if (tooDeep) // all that is under way comes to nothing
    return poison(expr.range);
  switch (expr.kind) {
  case ExprKind::Number: {
    auto &number = static_cast<const NumberExpr &>(expr);
    return number.isFloat ? Value::ofNumber(number.value, expr.range) : Value::ofInteger(number.integer, expr.range);
  }
  case ExprKind::String:
    return Value::ofString(std::string(static_cast<const StringExpr &>(expr).value), expr.range);
  case ExprKind::Bool:
    return Value::ofBool(static_cast<const BoolExpr &>(expr).value, expr.range);
  case ExprKind::Name:
    return name(static_cast<const NameExpr &>(expr).name, expr.range, scope);
  case ExprKind::Tuple:
  case ExprKind::List: {
    auto &elements = expr.kind == ExprKind::Tuple ? static_cast<const TupleExpr &>(expr).elements
                                                  : static_cast<const ListExpr &>(expr).elements;
    std::vector<Value> values;
    bool failed = false;
    for (const Expr *element : elements) {
      values.push_back(expression(*element, scope));
      failed |= values.back().poison();
    }
    if (failed)
      return poison(expr.range);
    if (leafCount(values) > maxLeaves) {
      error(Diag::TooLarge, expr.range, "this list");
      return poison(expr.range);
    }
    return expr.kind == ExprKind::Tuple ? Value::ofTuple(std::move(values), expr.range)
                                        : Value::ofList(std::move(values), expr.range);
  }
  case ExprKind::Comprehension:
    return comprehension(static_cast<const ComprehensionExpr &>(expr), scope);
  case ExprKind::Unary: {
    auto &unaryExpr = static_cast<const UnaryExpr &>(expr);
    return unary(unaryExpr.op, expression(*unaryExpr.operand, scope), expr.range);
  }
  case ExprKind::Binary: {
    auto &binaryExpr = static_cast<const BinaryExpr &>(expr);
    Value lhs = expression(*binaryExpr.lhs, scope);
    Value rhs = expression(*binaryExpr.rhs, scope);
    return binary(binaryExpr.op, std::move(lhs), std::move(rhs), expr.range);
  }
  case ExprKind::Call:
    return call(static_cast<const CallExpr &>(expr), scope);
  case ExprKind::Index:
    return index(static_cast<const IndexExpr &>(expr), scope);
  case ExprKind::Field: {
    auto &field = static_cast<const FieldExpr &>(expr);
    if (std::optional<Value> meant = foreignField(*this, field, scope))
      return *meant;
    Value base = expression(*field.base, scope);
    return member(base, field.name, expr.range, field.nameRange);
  }
  case ExprKind::Lambda: {
    auto function = std::make_shared<Function>();
    function->kind = Function::Lambda;
    function->lambda = static_cast<const LambdaExpr *>(&expr);
    distinctNames(function->lambda->parameters);
    function->scope = scope;
    return Value::ofFunction(function, expr.range);
  }
  case ExprKind::If:
    return conditional(static_cast<const IfExpr &>(expr), scope);
  case ExprKind::BlockExpr:
    return block(*static_cast<const BlockExpr &>(expr).block, scope);
  case ExprKind::Duration: {
    auto &duration = static_cast<const DurationExpr &>(expr);
    Value count = expression(*duration.count, scope);
    if (count.poison())
      return count;
    std::optional<int64_t> n = integerConstant(count, "a length of time");
    if (!n)
      return poison(expr.range);
    Value value = Value::ofInteger(*n, expr.range);
    value.kind = Value::Duration;
    value.flag = duration.epochs;
    value.text = std::string(duration.metric);
    value.weak = !duration.lower;
    value.isFloat = duration.range.end > duration.metricRange.end; // `lower:` is written
    // Where an epoch's steps are known, a length of time is a number of steps.
    if (stepsPerEpoch && duration.metric.empty())
      return Value::ofInteger(duration.epochs ? *n * *stepsPerEpoch : *n, expr.range);
    return value;
  }
  }
  return poison(expr.range);
}

Value Elaborator::block(const Block &block, const ScopeRef &parent) {
  auto scope = std::make_shared<Scope>();
  scope->parent = parent;
  return statements(block.statements, scope, block.range);
}

std::optional<DType> Elaborator::dtypeNamed(std::string_view name) const { return dlc::dtypeNamed(name); }

Value Elaborator::name(std::string_view name, SourceRange at, const ScopeRef &scope) {
  // Locals hide members, members hide the file's names, those hide std.
  for (Scope *level = scope.get(); level; level = level->parent.get()) {
    if (level == library.get() && textFields.count(name) && !inLibrary(sources, at))
      break; // a field of texts, not the function of that name
    if (auto found = level->names.find(name); found != level->names.end()) {
      Value value = found->second.value;
      // Inside the library a value keeps the place where the user wrote it.
      if (!value.at.valid() || !inLibrary(sources, at))
        value.at = at;
      return value;
    }
    if (level->self)
      if (Value member = memberOfModel(level->self, name, at); !member.poison())
        return member;
  }
  if (name == "training")
    return Value::ofBool(training, at);
  if (name == "pi")
    return Value::ofNumber(3.14159265358979323846, at);
  if (name == "inf")
    return Value::ofNumber(std::numeric_limits<double>::infinity(), at);
  if (name == "nan")
    return Value::ofNumber(std::numeric_limits<double>::quiet_NaN(), at);
  if (std::optional<DType> dtype = dtypeNamed(name)) {
    Value value = Value::unit(at);
    value.kind = Value::DTypeName;
    value.dtype = *dtype;
    return value;
  }
  std::string text(name);
  if (name == "_") {
    error(Diag::UnknownName, at, text).help("`_` stands for what is ignored: it has no value");
    return poison(at);
  }
  if (auto later = pending.find(name); later != pending.end()) {
    error(Diag::UsedBeforeDefinition, at, text).note(later->second, "it is defined here");
    return poison(at);
  }
  if (auto field = textFields.find(name); field != textFields.end()) {
    error(Diag::UnknownName, at, text)
        .note(field->second, "this field is `str`, and a batch has numbers alone")
        .help("declare it `" + text + ": category`: then it is the number of each text");
    return poison(at);
  }
  std::vector<std::string> candidates;
  for (Scope *level = scope.get(); level; level = level->parent.get()) {
    for (auto &[known, binding] : level->names)
      candidates.push_back(known);
    if (level->self) {
      for (const ModelInstance::Entry &entry : level->self->entries)
        candidates.push_back(entry.name);
      for (auto &[known, fn] : level->self->functions)
        candidates.push_back(known);
    }
  }
  auto report = error(Diag::UnknownName, at, text);
  if (std::optional<Value> meant = foreignValue(*this, report, name, at))
    return *meant;
  if (isForeignModule(name))
    report.help("nothing is imported: names of the library stand alone, as in `zeros([n])`, `Linear(n, m)`");
  else if (std::string near = nearest(name, candidates); !near.empty())
    report.meant(near);
  return poison(at);
}

Value Elaborator::memberOfModel(const ModelRef &model, std::string_view name, SourceRange at) {
  if (const ModelInstance::Entry *entry = model->find(name)) {
    Value value = entry->param ? entry->param->value : *entry->layer;
    if (entry->param && entry->param->next && readsNextBuffers)
      value = entry->param->next->names.begin()->second.value;
    value.at = at;
    return value;
  }
  if (auto found = model->functions.find(name); found != model->functions.end()) {
    auto function = std::make_shared<Function>();
    function->kind = Function::User;
    function->name = model->name + "." + std::string(name);
    function->item = found->second;
    function->scope = model->scope;
    function->self = model;
    return Value::ofFunction(function, at);
  }
  if (name == "history" && model->trained) {
    Value value = model->trained->history;
    value.at = at;
    return value;
  }
  if (Binding *binding = model->scope ? model->scope->find(name) : nullptr)
    if (model->scope->names.count(name)) {
      Value value = binding->value;
      if (!value.at.valid() || !inLibrary(sources, at))
        value.at = at;
      return value;
    }
  return poison(at);
}

std::string listed(const std::vector<std::string> &names) {
  std::string text;
  for (size_t i = 0; i < names.size() && i < 12; ++i)
    text += (i ? ", `" : "`") + names[i] + "`";
  return names.size() > 12 ? text + ", .." : text;
}

Value Elaborator::member(const Value &base, std::string_view name, SourceRange at, SourceRange nameAt) {
  std::string text(name);
  switch (base.kind) {
  case Value::Poison:
    return poison(at);
  case Value::Model: {
    Value value = memberOfModel(base.model, name, at);
    if (!value.poison())
      return value;
    std::vector<std::string> candidates = memberNames(base);
    auto report = error(Diag::UnknownMember, nameAt, "model `" + base.model->name + "`", text);
    if (std::string here = foreignName(name); !here.empty())
      report.help(here);
    else if (std::string near = nearest(name, candidates); !near.empty())
      report.meant(near);
    else if (base.model->name == "evaluation" && isGroup(base))
      report.help(fmt::format("it has {}: the training measures what its block reports, `report {} = ..`",
                              listed(candidates), text));
    else if (!candidates.empty())
      report.help("it has " + listed(candidates));
    return poison(at);
  }
  case Value::Data:
    return dataMember(base, name, at, nameAt);
  case Value::Tensor:
    if (name == "shape") {
      std::vector<Value> sizes;
      for (const Dim &dim : base.shape)
        sizes.push_back(Value::ofSize(dim.size, at));
      return Value::ofList(std::move(sizes), at);
    }
    if (name == "dtype") {
      Value type = Value::unit(at);
      type.kind = Value::DTypeName;
      type.dtype = base.dtype;
      return type;
    }
    break;
  case Value::List:
    if ((name == "shape" || name == "dtype") && !base.flag)
      return member(tensorOfList(base), name, at, nameAt);
    [[fallthrough]];
  case Value::Tuple: {
    // `net.0.weight` of a list of layers: fields are also indices there.
    bool digits = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (digits && name.size() < 9 && size_t(std::stoul(text)) < base.elements.size())
      return base.elements[std::stoul(text)];
    break;
  }
  case Value::Fn:
    if (base.data)
      return textFunctionOf(*this, base, name, at, nameAt);
    break;
  case Value::Strings:
    if (base.data) // of a saved vocabulary
      for (const DataInfo::Field &field : base.data->fields)
        if (field.name == name)
          return Value::ofStrings(base.strings, base.size, at);
    break;
  case Value::SizeOf:
    if (base.data)
      if (std::optional<Value> size = vocabularySizeOf(base, name, at))
        return *size;
    break;
  default:
    break;
  }
  auto report = error(Diag::UnknownMember, nameAt, describe(base), text);
  std::string operand = shortText(base.at);
  if (std::string here = foreignName(name);
      !here.empty() && (base.isTensor() || base.isNumber() || base.kind == Value::List))
    report.help(here);
  else if (name == "grad")
    report.help(
        "gradients are those of functions: `grad(f)(x)` is that of `f` at `x`, and a `train` takes them by itself");
  else if (library->find(name))
    report.help(fmt::format("`{0}` is a function: write `{0}({1})` or `{1} |> {0}`", text, operand));
  else if (base.kind == Value::Source)
    report.help(
        fmt::format("declared with its fields it is a data set: `data {}: {{ {} }} = {}(..)`, without `let`", operand,
                    base.source->kind == "moons" || base.source->kind == "spiral" ? "x: f32[2], label: i32" : "..",
                    base.source->kind));
  else if (base.kind == Value::Tuple)
    report.help(fmt::format("`{}[0]` is its first element, `let (a, b) = ..` names them", operand));
  else if (base.kind == Value::Fn && base.function->kind == Function::Constructor)
    report.help(fmt::format("make one: `{}(..).{}`", operand, text));
  return poison(at);
}

std::optional<Size> Elaborator::size(const Value &value, const char *what) {
  if (value.poison())
    return std::nullopt;
  if (value.kind == Value::SizeOf)
    return value.size;
  if (value.kind == Value::Number && !value.isFloat)
    return Size(value.integer);
  std::string text = what;
  auto report = error(Diag::WrongType, value.at, text, describe(value), "a size");
  if (value.kind == Value::Number)
    report.help("sizes are whole numbers; `div(a, b)` divides and rounds down");
  else if (value.kind == Value::Tensor)
    report.help("a size must be known when the program is compiled; take it as a `dim` parameter");
  return std::nullopt;
}

std::optional<int64_t> Elaborator::integerConstant(const Value &value, const char *what) {
  if (value.poison())
    return std::nullopt;
  if (value.kind == Value::Number && !value.isFloat)
    return value.integer;
  if (value.kind == Value::Number && value.number == double(int64_t(value.number)))
    return int64_t(value.number);
  if (value.kind == Value::SizeOf && value.size.isConstant())
    return value.size.constant();
  if (value.kind == Value::SizeOf)
    return std::nullopt; // a name while checking: what comes of it is left to the instances
  std::string text = what;
  error(Diag::WrongType, value.at, text, describe(value), "a whole number");
  return std::nullopt;
}

} // namespace dlc

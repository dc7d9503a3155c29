// What an expression means while it is elaborated: a type, and in an instance also the operation that computes it.
//
// Checking and compiling are the same walk over the tree. When checking, a tensor is a dtype and a shape of symbolic sizes;
// in an instance its sizes are numbers and it also has an SSA value (or a buffer that an earlier statement computed).
// Everything that is known at compile time (numbers, sizes, functions, models, lists) is a value here, never an operation.
#pragma once

#include "frontend/elaborate/Size.h"
#include "frontend/syntax/Ast.h"
#include "runtime/DType.h"
#include "runtime/RowStep.h"

#include "mlir/IR/Value.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace dlc {

/// One axis of a shape, and the place that gave it its size.
struct Dim {
  Size size;
  SourceRange origin;
};
using Shape = std::vector<Dim>;

/// `[64, 2 * hidden]`.
std::string str(const Shape &shape);
/// The number of elements.
Size elementCount(const Shape &shape);

/// A tensor in memory: what a statement at top level has computed, or a column of a data set. Dense, row-major.
struct HostBuffer {
  DType dtype;
  std::vector<int64_t> shape;
  std::shared_ptr<void> data;
  size_t bytes = 0;
};
using HostBufferRef = std::shared_ptr<HostBuffer>;

/// Numbers of a dtype that T holds as a buffer of one axis.
template <class T> HostBufferRef bufferOf(DType dtype, std::vector<T> numbers) {
  auto held = std::make_shared<std::vector<T>>(std::move(numbers));
  return std::make_shared<HostBuffer>(
      HostBuffer{dtype, {int64_t(held->size())}, std::shared_ptr<void>(held, held->data()), held->size() * sizeof(T)});
}

inline bool isFloating(DType dtype) { return dtype == DType::F32 || dtype == DType::F64 || dtype == DType::BF16; }
inline bool isIntegral(DType dtype) { return dtype == DType::I32 || dtype == DType::I64 || dtype == DType::U8; }

/// Tells things apart that are made one after another, also when one takes the memory of another.
struct Identity {
  Identity();
  Identity(const Identity &) : Identity() {}
  Identity &operator=(const Identity &) { return *this; }
  uint64_t number;
};

struct Scope;
struct Function;
struct ModelInstance;
struct DataInfo;
struct OptimizerInstance;
struct SourceInfo;

/// What holds of sizes that have only names: `difference` is 0, or less than it.
struct SizeFact {
  bool less;
  Size difference;
  bool holds;
};
using SizeFacts = std::vector<SizeFact>;

struct Value {
  enum Kind {
    Poison, ///< an error was reported; everything made from it is poison too, silently
    Unit,   ///< nothing, as of an empty block
    Tensor, ///< dtype, shape; ir or host in an instance
    Number, ///< a number known at compile time
    SizeOf, ///< a size: also a number of an own kind
    Bool,   ///< true or false, known at compile time
    String,
    Strings, ///< a column of text: `strings`, which are null while checking, and their number `size`
    Tuple,
    List,
    Fn,
    Model,
    DTypeName, ///< `f32` as an argument
    Data,
    Source, ///< what a data source's call gives, before `data` names it
    Optimizer,
    Duration, ///< `2 epochs`
    Range,    ///< `a..b`
    Zip,      ///< several to loop over at once
    All,      ///< the name `_`
  };
  Kind kind = Poison;
  SourceRange at; ///< the expression that made it

  // Tensor
  DType dtype = DType::F32;
  Shape shape;
  mlir::Value ir;
  HostBufferRef host;
  std::function<HostBufferRef()> lazy; ///< a column, read when used
  bool ofSizes = false; ///< a condition, or a Number, of sizes that have only names: each instance knows it
  std::shared_ptr<const SizeFacts> whenTrue, whenFalse; ///< what such a condition says of the sizes; or null
  /// Of a computed whole number: which one it is, and what was added to it since. Two of one origin have a known difference.
  uint64_t origin = 0;
  Size offset;
  bool varies = false; ///< while something is differentiated: it depends on what is derived by
  bool soft = false;   ///< an f64 scalar that takes the dtype of what it meets (hyperparameters, steps)

  // Number, Bool, String, Duration
  bool isFloat = false;
  bool weak = true; ///< a Number that takes its dtype from the context; else `dtype`
  double number = 0;
  int64_t integer = 0;
  bool flag = false; ///< Bool; Duration: epochs; List: of layers
  std::string text;

  Size size;
  std::shared_ptr<const std::vector<std::string>> strings; ///< Strings; of a category column what its numbers stand for
  /// Unit: what a statement at top level does with its elements once they are computed (`print`, pictures). Model: told what
  /// it is called with.
  std::function<void(const std::vector<Value> &)> effect;
  std::vector<Value>
      elements; ///< Tuple, List, Zip; Range: begin and end, `integer` its step, `flag` whether it includes its end
  std::shared_ptr<Function> function;
  std::shared_ptr<ModelInstance> model;
  std::shared_ptr<DataInfo> data;
  std::shared_ptr<SourceInfo> source;
  std::shared_ptr<OptimizerInstance> optimizer;

  bool poison() const { return kind == Poison; }
  bool isTensor() const { return kind == Tensor; }
  /// A tensor's values, a column's read now; null when it has none yet.
  HostBufferRef values() const { return host ? host : lazy ? lazy() : nullptr; }
  /// Known at compile time and usable as a number.
  bool isNumber() const { return kind == Number || kind == SizeOf; }
  /// The dtype of a number that has one; `literal` for a literal, a size and all else.
  DType dtypeOr(DType literal) const { return kind == Number && !weak ? dtype : literal; }
  /// As a double. Only for Number and constant SizeOf.
  double asDouble() const { return kind == SizeOf ? double(size.constant()) : number; }

  static Value ofTensor(DType dtype, Shape shape, mlir::Value ir, SourceRange at);
  static Value ofNumber(double value, SourceRange at);
  static Value ofInteger(int64_t value, SourceRange at);
  static Value ofSize(Size size, SourceRange at);
  static Value ofBool(bool value, SourceRange at);
  static Value ofString(std::string text, SourceRange at);
  static Value ofStrings(std::shared_ptr<const std::vector<std::string>> strings, Size size, SourceRange at);
  static Value ofTuple(std::vector<Value> elements, SourceRange at);
  static Value ofList(std::vector<Value> elements, SourceRange at);
  static Value ofFunction(std::shared_ptr<Function> function, SourceRange at);
  static Value unit(SourceRange at);
};

/// The type as the user would write it: `f32[n, 10]`, `(f32, i64)`, `fn(x)`, `Mlp`.
std::string typeString(const Value &value);
/// What a value is, for messages: a type in backticks, or words (`the number 3`, `a data set`).
std::string describe(const Value &value);

/// Whether a known number is one of the dtype: within its range, and whole where that is. Floats hold every number.
bool fitsIn(const Value &number, DType dtype);

/// A name's meaning in a scope.
struct Binding {
  Value value;
  bool isVar = false;
  SourceRange at;
};

/// Names that stand in a block, a function's parameters, a model's members or a file. Closures share scopes.
struct Scope {
  Identity id;
  std::shared_ptr<Scope> parent;
  std::map<std::string, Binding, std::less<>> names;
  bool functionStart = false;          ///< variables of scopes above cannot be assigned from here
  std::shared_ptr<ModelInstance> self; ///< a model's functions: its members are in scope

  Binding *find(std::string_view name);
};
using ScopeRef = std::shared_ptr<Scope>;

class Elaborator;
struct CallSite;
/// A function of the library that is written in C++: its parameters and what it does.
struct Builtin {
  struct Parameter {
    std::string name;
    bool optional = false;            ///< may be left out
    bool takesRest = false;           ///< takes all further arguments, those with names of others excepted
    const ast::Expr *value = nullptr; ///< a literal that stands for what is left out
  };
  std::string name;
  std::function<Value(Elaborator &, CallSite &)> apply;
  std::vector<Parameter> parameters = {};
  bool anyNames = false;                    ///< arguments of any name and number, which `apply` reads itself
  const ast::FnItem *declaration = nullptr; ///< in std; of a function made for one data set none
  /// At top level it is done before the statement that it stands in, and its arguments before it.
  bool atOnce = false;
};

/// Where random numbers are drawn: what their keys are made of.
struct DrawPlace {
  std::string path;                       ///< the names and ordinals of the calls that led there
  std::map<std::string, unsigned> counts; ///< of what the definition has called and drawn so far, by name
  /// The place of the next thing of a name.
  std::string next(const std::string &name) { return path + "/" + name + "#" + std::to_string(counts[name]++); }
};

/// A function value.
struct Function {
  Identity id;
  enum Kind {
    User, ///< `fn`, perhaps of a model (then `self`)
    Lambda,
    Native,      ///< a Builtin
    Constructor, ///< a model's name
    OptimizerConstructor,
    Gradient, ///< grad(f), value_and_grad(f)
    Pullback, ///< of vjp
    Opaque,   ///< a parameter of function type, while the function is checked
  } kind = User;
  std::string name;
  const ast::FnItem *item = nullptr;
  const ast::LambdaExpr *lambda = nullptr;
  const ast::ModelItem *modelItem = nullptr;
  const ast::OptimizerItem *optimizerItem = nullptr;
  const ast::DerivativeItem *derivative = nullptr;
  const Builtin *builtin = nullptr;
  const ast::TypeExpr *type = nullptr; ///< Opaque
  ScopeRef scope;                      ///< where the body's free names are looked up
  std::shared_ptr<ModelInstance> self;
  // Gradient and Pullback
  std::shared_ptr<Value> base;  ///< the function
  std::vector<Value> arguments; ///< Pullback: where
  DrawPlace draws;              ///< Pullback: where the value drew its random numbers
  std::vector<std::string> wrt; ///< parameters' names; empty: the first
  bool withValue = false;
  bool tupleResult = false;
};

/// A trained tensor (`param`) or a kept one (`buffer`) of a model.
struct ParamSlot {
  std::string path; ///< `fc1.weight`
  bool trained = true;
  Value value; ///< Tensor
  const ast::TypeExpr *type = nullptr;
  const ast::Expr *initialiser = nullptr;
  ScopeRef scope; ///< where the initialiser is evaluated
  /// Of a buffer in a training step: holds the variable, named `path`, of what it becomes after the step. Null elsewhere.
  ScopeRef next;
  SourceRange at;
};
using ParamSlotRef = std::shared_ptr<ParamSlot>;

struct TrainedBy;

/// A model with its parameters' values. Copies share layers; `withLeaves` makes another with other values.
struct ModelInstance {
  Identity id;
  const ast::ModelItem *item = nullptr; ///< null for Sequential's kin made natively
  std::string name;
  ScopeRef scope; ///< sizes and settings that it was made with
  struct Entry {
    std::string name;
    ParamSlotRef param;           ///< or
    std::shared_ptr<Value> layer; ///< a model, a function, a list of them
    SourceRange at;
  };
  std::vector<Entry> entries;
  std::map<std::string, const ast::FnItem *, std::less<>> functions;
  bool undecided = false; ///< it stands under a condition of sizes that have only names what members there are
  bool trains = false;    ///< a part of what is trained, in its step and not frozen: `training` may be true in it
  std::shared_ptr<const TrainedBy> trained; ///< the training that made it; or null
  /// What the numbers of the fields stand for that it was trained on (an executor's); or null.
  std::shared_ptr<const void> vocabularies;
  SourceRange at;

  const Entry *find(std::string_view name) const;
};
using ModelRef = std::shared_ptr<ModelInstance>;

/// Every parameter of a model, depth first in the order of definition, with its path.
std::vector<ParamSlotRef> parametersOf(const ModelInstance &model);
/// Those of them that are trained: what a gradient and a model's arithmetic have. Buffers have no part in either.
std::vector<ParamSlotRef> trainedOf(const ModelInstance &model);
/// The same model with the tensors of trainedOf replaced; buffers stay.
ModelRef withTrained(const ModelInstance &model, const std::vector<Value> &values);
/// How the parameters of two models differ in names or shapes, in words; "" when they do not.
std::string modelsDiffer(const ModelInstance &a, const ModelInstance &b);
/// The same model with its tensors replaced, in the order of parametersOf.
ModelRef withValues(const ModelInstance &model, const std::vector<Value> &values);
/// Gives every parameter its path (`fc1.weight`, `net.0.bias`).
void nameParameters(ModelInstance &model, const std::string &prefix = "");

/// A data source's call: `csv("a.csv") |> split(train: 0.9)`.
struct SourceInfo {
  std::string kind;
  std::vector<std::pair<std::string, Value>> arguments;
  std::vector<RowStep> steps; ///< what is done with its rows, in order
  SourceRange at;
};

/// A data set as the checker sees it.
struct DataInfo {
  struct Field {
    std::string name;
    DType dtype = DType::F32;
    Shape shape; ///< of one example
    bool category = false;
    bool isString = false;
    SourceRange at;
  };
  std::string name;
  std::vector<Field> fields;
  std::shared_ptr<SourceInfo> source;
  std::optional<RowStep> cut; ///< into parts, of which none is chosen yet
  Size rows;
  std::map<std::string, Size> learned;   ///< `vocab`, `classes`, `classes.user`
  std::shared_ptr<void> handle;          ///< the opened data set (an executor's)
  std::function<bool(DataInfo &)> opens; ///< how a part of what was not opened yet is opened
  SourceRange at;
};

/// An optimizer with its settings.
struct OptimizerInstance {
  const ast::OptimizerItem *item = nullptr;
  ScopeRef scope;
  std::map<std::string, Value> arguments;
  Value clipNorm, clipValue; ///< Poison when not given
  SourceRange at;
};

} // namespace dlc

// From the tree to meaning: names, types, sizes, and in an instance the graph.
//
// One walk does it all. Without an executor it only checks (sizes are names, data is never opened); with one it also builds
// `dl` operations and hands each finished computation to the executor, statement by statement. Every error is reported
// where it is found and poisons its value, so that one mistake gives one message and the walk goes on.
#pragma once

#include "frontend/elaborate/GraphBuilder.h"
#include "frontend/syntax/Diagnostic.h"

#include <set>

namespace dlc {

struct TrainPlan;
struct TrainFunctions;
struct TrainModule;
struct TrainHistory;

/// What becomes of the results of a data set's batches: their mean by examples, or all rows behind each other.
enum class BatchFold { Mean, Join };

/// What runs a program. Errors are reported by the executor through the engine; false or null means that.
class Executor {
public:
  virtual ~Executor() = default;
  /// Opens a source; fills `rows`, `learned`, `handle`, and the shapes that data decides.
  virtual bool open(DataInfo &data) = 0;
  /// A whole column.
  virtual HostBufferRef column(const DataInfo &data, const std::string &field) = 0;
  /// Runs the function @main of a module on dense buffers.
  virtual bool run(mlir::ModuleOp module, const std::vector<HostBufferRef> &inputs, std::vector<HostBufferRef> &outputs,
                   SourceRange at) = 0;
  /// Reads the values of a model's parameters, and its vocabularies, from a checkpoint. An error where these are others
  /// than the model has or than open data has for fields of the same names. With `partial` null stands for what does not
  /// fit by name and shape, it is said what that was, and vocabularies are left.
  virtual bool load(const std::string &file, bool partial, const ModelInstance &model,
                    std::vector<HostBufferRef> &values, std::shared_ptr<const void> &vocabularies, SourceRange at) = 0;
  /// Whether the numbers of a data set stand for what they stood for where the model was trained.
  /// `fields`: those that are asked for; none: all.
  virtual bool understands(const ModelInstance &model, const DataInfo &data, const std::vector<std::string> &fields,
                           SourceRange at) = 0;
  /// Trains; gives the last parameters, and what was measured on the way.
  virtual bool train(const TrainPlan &plan, const TrainFunctions &functions, std::vector<HostBufferRef> &params,
                     TrainHistory &history) = 0;
  /// Whether the program should end here (Ctrl-C, or a stage was asked for and printed).
  virtual bool stopped() const { return false; }
  /// Prints the values of a `print`, or of an expression at the prompt.
  virtual void print(const std::vector<Value> &values) = 0;
  /// A column of text; with `classes`, the values of a column of categories, in the order of their numbers.
  virtual std::shared_ptr<const std::vector<std::string>> strings(const DataInfo &data, const std::string &field,
                                                                  bool classes) = 0;
  /// Shows a picture of a kind (`plot`): its arguments by name, computed.
  virtual void show(const std::string &kind, const std::vector<std::pair<std::string, Value>> &arguments,
                    SourceRange at) = 0;
  /// The numbers of a text, by the vocabulary of a field: i32[t].
  virtual HostBufferRef encode(const DataInfo &data, const std::string &field, const std::string &text,
                               SourceRange at) = 0;
  /// The text of numbers, by the vocabulary of a field.
  virtual std::optional<std::string> decode(const DataInfo &data, const std::string &field, const HostBuffer &numbers,
                                            SourceRange at) = 0;
  /// The vocabularies that a saved model was trained with, as a data set without rows.
  virtual std::shared_ptr<DataInfo> vocabulary(const std::string &file, SourceRange at) = 0;
  /// Makes `part` of a data set: rows in another order, or one part of a split or fold (`train`, `rest`).
  virtual bool choose(const DataInfo &data, const RowStep &step, const std::string &name, DataInfo &part,
                      SourceRange at) = 0;
  /// Applies a function to all batches of a data set. It takes a batch of each of `fields`, then what it captured.
  virtual bool mapBatches(const DataInfo &data, const std::vector<std::string> &fields, int64_t batch,
                          const std::function<TrainModule(int64_t batch)> &function, BatchFold fold,
                          std::vector<HostBufferRef> &results, SourceRange at) = 0;
  /// Writes the parameters of a model and its vocabularies, as `train`'s `save` does.
  virtual bool save(const std::string &file, const ModelInstance &model, SourceRange at) = 0;
  /// Writes tensors: .csv, .npy or .safetensors.
  virtual bool write(const std::string &file, const std::vector<std::pair<std::string, Value>> &columns,
                     SourceRange at) = 0;
};

/// `--set name=value`, and whether it was used.
struct Override {
  std::string name, value;
  bool used = false;
};

struct CallSite;
struct LoopContext;
struct AxisIndex;
struct SliceBound;
class AssignmentRecord;

class Elaborator {
public:
  /// `executor` may be null: check only. `context` has the dialects dl and func loaded.
  Elaborator(SourceManager &sources, DiagnosticEngine &diagnostics, mlir::MLIRContext &context, Executor *executor);
  ~Elaborator();

  std::vector<Override> overrides;
  /// In place of the `seed` of every `train` (`--seed`).
  std::optional<int64_t> seedOverride;

  /// Elaborates a file or one input at the prompt, after what came before. With an executor its statements run in order.
  /// `show` prints the values of expression statements, as the prompt does.
  void program(const ast::Program &program, bool show = false);
  /// The signatures of everything that was defined: what `dlc check --types` prints.
  std::string signatures() const;
  /// What a checked function gives, as it was found: ` -> f32[n]`; "" for one that is not checked or gives nothing.
  std::string inferredResult(const std::string &function) const;
  /// The names in scope, for completion.
  std::vector<std::string> namesInScope() const;

  /// A module with one function: `entry` (`Mlp.forward`, `f`, a trained model by its name) for the given sizes of names.
  /// The parameters of its model, and those of the models that it calls, are role "param" arguments. Without a module an
  /// error was reported.
  struct EntryModule {
    mlir::OwningOpRef<mlir::ModuleOp> module;
    std::vector<std::string> models; ///< whose parameters these are; of several, a path begins with the model's name
  };
  EntryModule entry(const std::string &entry, const std::map<std::string, int64_t> &sizes);
  /// Does `work` and takes back all that it defined or assigned at top level: for questions at the prompt.
  void asking(const std::function<void()> &work);
  /// The type, as text, of one expression; "" when an error was reported.
  std::string typeOf(const ast::Program &program);
  /// Defines a name at top level (inputs of test cases).
  void define(const std::string &name, Value value);
  /// The value of a top-level name, or null.
  const Value *lookup(const std::string &name) const;

  //===-- For the files of this folder --------------------------------------------------------------------------===//
  SourceManager &sources;
  DiagnosticEngine &diagnostics;
  mlir::MLIRContext &context;
  Executor *executor;

  template <class... Args> DiagnosticEngine::Builder error(Diag kind, SourceRange at, const Args &...args) {
    DiagnosticEngine::Builder report = diagnostics.report(kind, userPlace(at), args...);
    noteCall(report, at);
    return report;
  }
  /// For a place inside a function of the user's: the call whose arguments brought the error about.
  void noteCall(DiagnosticEngine::Builder &report, SourceRange at) const;
  /// The place itself; for one inside std, the user's call that led there.
  SourceRange userPlace(SourceRange at) const;
  std::vector<SourceRange> callSites; ///< calls under way, outermost first
  /// Of the call under way: what `|>` hands on to it, and the stage, where an error of that argument is shown.
  struct {
    SourceRange argument, stage;
  } piped;
  /// The text at a place, for a message that quotes it; `otherwise` when it is long, nowhere or the library's.
  std::string shortText(SourceRange at, std::string_view otherwise = "x") const;
  Value poison(SourceRange at) const {
    Value value;
    value.at = at;
    return value;
  }

  // Expressions.cpp
  Value expression(const ast::Expr &expr, const ScopeRef &scope);
  Value block(const ast::Block &block, const ScopeRef &parent);
  Value name(std::string_view name, SourceRange at, const ScopeRef &scope);
  Value member(const Value &base, std::string_view name, SourceRange at, SourceRange nameAt);
  Value memberOfModel(const ModelRef &model, std::string_view name, SourceRange at);
  /// An expression that must be a size (a type's entry, an element of a list of sizes).
  std::optional<Size> size(const Value &value, const char *what);
  std::optional<int64_t> integerConstant(const Value &value, const char *what);

  // Branches.cpp
  Value conditional(const ast::IfExpr &expr, const ScopeRef &scope);
  /// Two ways, by a computed condition: the value that both come to. What they assign is joined.
  Value branches(const Value &condition, const std::function<Value()> &onTrue, const std::function<Value()> &onFalse,
                 SourceRange at);
  Value branchesDiffer(const Value &onTrue, const Value &onFalse, SourceRange at);
  /// Whether a value may be a condition; reports it when not.
  bool isCondition(const Value &condition);
  /// One after the other; what follows a computed `break` becomes a branch. The value is that of the last.
  Value statements(llvm::ArrayRef<ast::Stmt *> list, const ScopeRef &scope, SourceRange at);
  /// Does `rest` unless the turn of the loop around has been ended.
  Value unlessEnded(const std::function<Value()> &rest, SourceRange at);
  std::vector<SourceRange>
      differentiated;                 ///< what is derived, innermost last, with the values that vary (Value::varies)
  LoopContext *loop = nullptr;        ///< around the statements that are elaborated
  bool inElement = false;             ///< of a comprehension, whose turns give an element each
  AssignmentRecord *record = nullptr; ///< of assignments; the innermost
  /// Gives a variable a new value.
  void setVariable(const ScopeRef &scope, const std::string &name, Value value, SourceRange at);

  // Loops.cpp
  void forLoop(const ast::ForStmt &stmt, const ScopeRef &scope);
  void forOfItems(const ast::ForStmt &stmt, const Value &source, const ScopeRef &scope,
                  const std::function<Value(const ScopeRef &, const Value &)> &turn);
  void whileLoop(const ast::WhileStmt &stmt, const ScopeRef &scope);
  Value comprehension(const ast::ComprehensionExpr &expr, const ScopeRef &scope);
  /// Whether a turn of a loop at top level does what only statements there do (draw, save, print a decoded text).
  bool needsTurns(const ScopeRef &scope, SourceRange at, const std::function<void(const ScopeRef &)> &turn);
  /// Notes that a call does so, for the loop that is tried; false where none is, or the call is no statement of its own.
  bool askForTurns(SourceRange call);
  bool *turnsAsked = nullptr; ///< of that loop
  /// A loop over a range with computed bounds: a variable of its own counts.
  void countedByHand(const Value &range, const ScopeRef &scope, SourceRange at,
                     const std::function<Value(const ScopeRef &, const Value &)> &turn);
  /// A loop over known items, a turn after the other.
  void unrolled(const std::vector<Value> &items, const ScopeRef &scope, SourceRange at,
                const std::function<Value(const ScopeRef &, const Value &)> &turn);
  /// The indices of the loops around, outermost first, where something is built.
  std::vector<mlir::Value> loopIndices;

  // Operators.cpp
  Value unary(ast::UnaryOp op, Value operand, SourceRange at);
  /// The two sides of an `if` (or members) under a condition of sizes: what it says of them, while `work` goes on.
  template <class Work> auto assuming(const std::shared_ptr<const SizeFacts> &facts, Work work) {
    size_t before = assumed.size();
    if (facts)
      assumed.insert(assumed.end(), facts->begin(), facts->end());
    auto result = work();
    assumed.resize(before, SizeFact{});
    return result;
  }
  Value binary(ast::BinaryOp op, Value lhs, Value rhs, SourceRange at);
  void keepOrigin(ast::BinaryOp op, const Value &lhs, const Value &rhs, Value &result);
  std::map<std::pair<uint64_t, std::string>, uint64_t> multiples; ///< the origin of a multiple of a computed number
  Value stepped(const Value &range, const Value &step, SourceRange at);
  Value binaryOfAny(ast::BinaryOp op, Value lhs, Value rhs, SourceRange at);
  Value integerDivision(const Value &lhs, const Value &rhs, SourceRange at);
  /// Whether integers are divided by what is known to be, or to hold, 0: an error, `form` filled with both operands.
  bool dividesByZero(const Value &dividend, const Value &divisor, const char *form, SourceRange at);
  Value binaryOfBools(ast::BinaryOp op, Value lhs, Value rhs, SourceRange at);
  Value matmul(const Value &lhs, const Value &rhs, SourceRange at);
  Value power(const Value &base, const Value &exponent, SourceRange at);
  Value modelArithmetic(ast::BinaryOp op, const Value &lhs, const Value &rhs, SourceRange at);
  /// The shape that both broadcast to (NumPy's rule); reports the first axis that does not fit.
  std::optional<Shape> broadcastShapes(const Value &lhs, const Value &rhs, const char *what, SourceRange at);
  /// Brings both to one dtype, literals following the other side; reports a mix.
  bool unifyDTypes(Value &lhs, Value &rhs, const char *what, SourceRange at, bool comparison = false);
  /// Whether two sizes are equal: true, false, or nothing when only an instance can tell.
  std::optional<bool> sameSize(const Size &a, const Size &b) const;
  /// What an operand is, as a note at its place; nothing for a place in std.
  void noteIs(DiagnosticEngine::Builder &builder, const Value &value);
  /// Where the sizes of a shape came from, as notes; places in std or within the value's own text are left out.
  void noteOrigins(DiagnosticEngine::Builder &builder, const Value &value, std::optional<size_t> axis = std::nullopt);

  // Numbers.cpp: numbers known while compiling
  /// A size as a Number, anything else as it is; one that has only a name as 1, marked `ofSizes`.
  Value numberOf(const Value &value) const;
  /// A number, known while compiling, as one of `dtype`: rounded, wrapped or cut off as dl.cast does.
  Value convertNumber(const Value &number, DType dtype, SourceRange at);
  /// A number where a `dtype` is asked for: a literal takes it, and one that does not fit is reported (false); an integer of
  /// a type widens; else it keeps its own type. `owner`: where the type is declared, for a note.
  bool settleNumber(Value &number, DType dtype, SourceRange owner = {});
  /// A function of one number; without `ofInteger` whole numbers are taken as floating-point ones.
  Value mapNumber(const Value &number, SourceRange at, double (*ofFloat)(double),
                  int64_t (*ofInteger)(int64_t) = nullptr);
  Value binaryOfNumbers(ast::BinaryOp op, const Value &lhs, const Value &rhs, SourceRange at);
  std::optional<Value> binaryOfSizes(ast::BinaryOp op, const Value &lhs, const Value &rhs, SourceRange at);

  // SizeConditions.cpp
  Value compareSizes(ast::BinaryOp op, const Size &a, const Size &b, SourceRange at);
  /// Whether a difference of sizes is 0 (or less), if what is assumed says it.
  std::optional<bool> decided(bool less, const Size &difference) const;
  SizeFacts assumed;         ///< of the branches around what is elaborated
  bool splitting = false;    ///< a condition of sizes that is not decided is assumed to hold
  bool splitMembers = false; ///< the same for conditions around members; the other way is checked next
  std::map<const ast::Member *, Size> memberConditions; ///< 0 where such a condition holds that says nothing of sizes

  // Indexing.cpp
  struct Selection;
  Value index(const ast::IndexExpr &expr, const ScopeRef &scope);
  /// What an index selects of a tensor; nothing when an error was reported.
  std::optional<Selection> select(const Value &base, const ast::IndexExpr &expr, const ScopeRef &scope);
  bool computedSlice(AxisIndex &made, const SliceBound &from, const SliceBound &to, bool unitStep, const Value &base,
                     size_t axis, SourceRange at);
  /// Where a slice of `length` begins on an axis of `size`, checked; one below 0 counts from the end.
  Value checkStart(const Value &start, const Size &size, const Size &length, SourceRange at);
  Value dynamicSlice(const Value &base, const Selection &selection, SourceRange at);
  std::vector<mlir::Value> startsOf(const Value &base, const Selection &selection, bool all, std::vector<int64_t> &axes,
                                    SourceRange at);
  Value take(const Value &base, const Selection &selection, const ast::IndexExpr &expr);
  /// The row-major places, in the flat tensor, of the elements that a selection takes, in the selection's shape.
  std::optional<Value> placesOf(const Value &base, const Selection &selection, SourceRange at);
  Value indexAssign(const Value &base, const ast::IndexExpr &target, const Value &value, const ScopeRef &scope);
  std::pair<Value, Value> lastOfEach(const Value &places, const Value &elements, SourceRange at);
  Value gatherRows(const Value &table, const Value &indices, SourceRange at);

  // Calls.cpp
  Value call(const ast::CallExpr &expr, const ScopeRef &scope);
  /// Calls a function value with finished arguments. Within a chain it is the stage that is called, and that refuses.
  Value apply(const Value &callee, CallSite &site);
  Value applyHere(const Value &callee, CallSite &site);
  Value apply(const Value &callee, std::vector<Value> arguments, SourceRange at);
  Value callUser(const Function &function, CallSite &site);
  /// Whether a function may be called now with arguments of this key; reports recursion without end. Completes the key.
  bool mayCall(const Function &function, std::string &key, const CallSite &site);
  /// The value of `wrt:`, a parameter's name or a list of names, bare or in quotes: strings.
  Value wrtArgument(const ast::Expr &expr, const ScopeRef &scope);
  std::optional<Value> callWithRule(const Function &function, std::vector<Value> arguments, CallSite &site);
  /// Binds a parameter: matches its declared type, binding the names of sizes in `scope`.
  bool bindParameter(const ast::Parameter &parameter, Value argument, const ScopeRef &scope, const std::string &callee);
  bool matchType(const ast::TypeExpr &type, Value &value, const ScopeRef &scope, const std::string &what,
                 bool bindNames, SourceRange typeOwner);
  std::optional<DType> dtypeNamed(std::string_view name) const;
  /// Reports a type's name that means nothing, with the likely one.
  void unknownType(const ast::TypeExpr &type);

  // DefinitionChecks.cpp
  /// The value of a declared type whose sizes are names (when a function is checked by itself).
  Value symbolic(const ast::TypeExpr &type, const ScopeRef &scope, SourceRange at, const std::string &name);
  void checkFunction(const ast::FnItem &item, const ScopeRef &scope, const std::shared_ptr<ModelInstance> &self);
  void checkModel(const ast::ModelItem &item);
  void checkMembers(const ast::ModelItem &item, const ScopeRef &scope);
  void checkOptimizer(const ast::OptimizerItem &item);
  /// Checks the `derivative` of a function whose parameters all have types.
  void checkRule(const Function &function);
  /// Reports parameters of one name.
  void distinctNames(const std::vector<ast::Parameter> &parameters);

  // Models.cpp
  Value construct(const Function &constructor, CallSite &site);
  Value callModel(const Value &model, CallSite &site);
  /// Whether a condition around members holds; nothing when an error was reported or only an instance knows.
  std::optional<bool> memberCondition(const ast::Member &member, ModelInstance &model, const ScopeRef &scope);
  void stored(const ast::Member &member, ModelInstance &model, const ScopeRef &scope);
  /// The first value of a param or buffer, of its type and shape; poison when an error was reported.
  Value initialValue(const ParamSlot &slot);
  void members(const std::vector<ast::Member *> &list, ModelInstance &model, const ScopeRef &scope);
  /// Whether a value may be a layer; reports it when not.
  bool isLayer(const Value &value, const std::string &name);
  /// Whether a value may be a learning rate (finite and not negative, or a schedule); reports it when not.
  bool checkRate(const Value &rate, SourceRange at);
  Value constructOptimizer(const Function &constructor, CallSite &site);

  // Statements.cpp
  /// Gives the statement's value (Unit for all but expressions).
  Value statement(const ast::Stmt &stmt, const ScopeRef &scope);
  /// `break` or `continue`.
  void endTurn(const ast::Stmt &stmt);
  void bindPattern(const ast::Expr &pattern, const Value &value, const ScopeRef &scope, bool isVar);
  void patternCount(SourceRange at, size_t names, const Value &value);
  bool assignMember(ModelInstance &model, const std::string &name, Value value, SourceRange at);
  /// What a model's buffers become by a step: until then they read as before, but in the value that is assigned to one, so
  /// that several calls in a step all count.
  bool readsNextBuffers = false;
  void assign(const ast::AssignStmt &stmt, const ScopeRef &scope);
  void assignValue(const ast::AssignStmt &stmt, Value value, const ScopeRef &scope);
  void assignTo(const ast::Expr &target, const Value &value, const ScopeRef &scope);

  // Data.cpp
  void dataItem(const ast::DataItem &item, const ScopeRef &scope);
  bool checkFieldFiles(const DataInfo &data);
  bool checkTensorFields(const DataInfo &data);
  /// Whether a data set's source has been opened, which is done here at the latest; true while nothing runs.
  bool opened(DataInfo &data);
  bool opensLate = false; ///< no training of the program makes a step: a data set is opened where it is used
  Value dataMember(const Value &data, std::string_view name, SourceRange at, SourceRange nameAt);

  // Train.cpp
  void trainItem(const ast::TrainItem &item, const ScopeRef &scope);
  std::map<std::string, SourceRange, std::less<>> textFields; ///< of the data that is trained on: no batch has them
  bool severalTrainings = false; ///< in the program: what they print begins with their names

  // Rows.cpp: parts of data sets
  /// The rows of a data set in another order, or a part of it.
  Value partOf(const Value &data, const RowStep &step, const std::string &part, SourceRange at);
  /// What is done with the rows of a source, or of a data set.
  Value withStep(const Value &data, const RowStep &step, SourceRange at);
  /// Whether a data set is whole, or a part of it is chosen; reports it when not.
  bool isChosen(const Value &data);

  // Evaluate.cpp
  /// Loss and reports of the training that made a model, over a data set: a group.
  Value evaluation(const Value &model, const Value &data, std::optional<int64_t> batch, SourceRange at);
  std::vector<ModelRef> *called = nullptr; ///< when set, told which models are called
  /// A function of fields, its parameters, over all batches of a data set.
  Value overBatches(const Value &function, const Value &data, BatchFold fold, int64_t batch, SourceRange at);

  // Gradients.cpp, Leaves.cpp
  Value gradient(const Function &function, CallSite &site);
  /// The values and pulled-back cotangents of `function` at `arguments`: wanted are those listed in `wrt`.
  struct Pulled {
    Value result;
    std::vector<Value> gradients;
  };
  /// An argument by which is derived: its literals take the declared type, else f32; lists are tensors where one is declared.
  Value differentiableArgument(const Value &function, size_t i, const Value &argument);
  /// The floating-point tensors of a value, in order; its numbers become tensors. False when it holds anything else.
  bool leavesOf(Value &value, std::vector<Value> &leaves);
  /// The leaves of a tangent or cotangent for the value `like`, one of its kind, each in the shape of its own; false when
  /// it is of another kind.
  bool matchLeaves(const Value &like, Value given, std::vector<Value> &leaves);
  /// Whether a function's value can be differentiated: a scalar, or with a cotangent anything of leaves; reports it.
  bool fitsGradient(const Value &result, const Value *cotangent, SourceRange at);
  /// `jvp`: the function's value and its derivative along a tangent.
  Value push(const Value &function, const Value &argument, const Value &tangent, SourceRange at);
  std::optional<Pulled> pull(const Value &function, const std::vector<Value> &arguments, const std::vector<size_t> &wrt,
                             const Value *cotangent, SourceRange at);

  // Emit.cpp: operations. Each gives a null value when only checking.
  bool emitting() const { return graph.building(); }
  /// What is done with what is elaborated.
  enum class Mode {
    Check, ///< nothing but its types
    Run,   ///< statement by statement, each at once
    Build, ///< it becomes a function's operations
  };
  Mode mode() const { return emitting() ? Mode::Build : executor && !checkingOnly ? Mode::Run : Mode::Check; }
  bool atTopLevel() const { return mode() == Mode::Run; }
  mlir::Location location(SourceRange at) const;
  mlir::RankedTensorType irType(DType dtype, const Shape &shape) const;
  mlir::Type irElement(DType dtype) const;
  /// The SSA value of a tensor in the current function: a host buffer becomes an argument or a constant. Null when only
  /// checking.
  mlir::Value ir(const Value &value);
  /// A splat.
  Value constant(double value, DType dtype, Shape shape, SourceRange at);
  Value constant(int64_t value, DType dtype, Shape shape, SourceRange at);
  Value constant(int value, DType dtype, Shape shape, SourceRange at) {
    return constant(int64_t(value), dtype, std::move(shape), at);
  }
  Value cast(const Value &value, DType dtype, SourceRange at);
  /// Numbers, sizes and bools become tensors of rank 0 (of `dtype` when they take one from the context).
  Value tensorOf(const Value &value, std::optional<DType> dtype = std::nullopt);
  Value broadcastTo(const Value &value, const Shape &shape, SourceRange at);
  Value reshape(const Value &value, Shape shape, SourceRange at);
  Value transpose(const Value &value, const std::vector<int64_t> &permutation, SourceRange at);
  Value unaryOp(std::string_view op, const Value &value, SourceRange at);
  Value binaryOp(std::string_view op, const Value &lhs, const Value &rhs, SourceRange at);
  Value compareOp(std::string_view predicate, const Value &lhs, const Value &rhs, SourceRange at);
  Value selectOp(const Value &condition, const Value &onTrue, const Value &onFalse, SourceRange at);
  Value reduceOp(std::string_view kind, const Value &value, const std::vector<int64_t> &axes, SourceRange at);
  Value contractOp(const std::string &equation, const Value &lhs, const Value &rhs, Shape shape, SourceRange at);
  Value iotaOp(DType dtype, Shape shape, int64_t axis, SourceRange at);
  /// The indices, checked to be in [0, limit); with `fromEnd`, negative ones count from the end, as literal ones do.
  Value checkIndex(const Value &value, const Size &limit, const std::string &what, SourceRange at,
                   bool fromEnd = false);
  Value randomOp(std::string_view distribution, Shape shape, SourceRange at);

  /// What is being built.
  GraphBuilder graph;
  /// A list of numbers with a fraction among them is a tensor where nothing asks for another kind (sizes are whole).
  Value settled(Value value);
  /// A bracket list as a tensor, where an operation asks for one; anything else as it is. Its literals take the type of what
  /// has one among them, else `asked`, the type of the place.
  Value tensorOfList(Value value, std::optional<DType> asked = std::nullopt);
  /// The element type of the tensor that a list makes; `what` is made of it, for the error of several types.
  std::optional<DType> elementTypeOf(const Value &list, std::optional<DType> asked, const std::string &what);
  /// A list as a tensor of `dtype`: known numbers become a constant, tensors are stacked. With `exact`, literals must fit.
  Value listAs(const Value &list, DType dtype, bool exact, SourceRange at);
  /// At top level: builds what `work` does as a function, runs it, and puts the results in place of the tensors of its value
  /// and of the variables that it assigned. Elsewhere: only `work`.
  Value asStatement(SourceRange at, const std::function<Value()> &work);
  /// An expression as a statement; an `if` one by one. `asked`: whether a type will be asked of the value.
  Value topLevel(const ast::Expr &expr, const ScopeRef &scope, bool asked = false);

  ScopeRef statementScope;       ///< of the statement at top level that is under way
  SourceRange statementUnderWay; ///< an expression that is a statement at top level
  /// Whether a call is the whole of that: what it does, it does with what its arguments come to (Value::effect).
  bool isStatement(SourceRange call) const { return isWholeStatement(call) && !insideLoop(); }
  bool isWholeStatement(SourceRange call) const {
    return call.file == statementUnderWay.file && call.end == statementUnderWay.end && !insideFunction() && !inElement;
  }
  /// Whether the statements that are elaborated become a compiled loop.
  bool insideLoop() const;
  bool quiet = false;                      ///< what is built has been built before, and printed there
  bool training = false;                   ///< the constant `training`, where no model's function says otherwise
  const Shape *initialiserShape = nullptr; ///< of the param whose initialiser is elaborated
  DrawPlace draws;
  unsigned randomDraws = 0;             ///< how many times random numbers were asked for
  std::optional<int64_t> stepsPerEpoch; ///< while a train's optimizer is elaborated: what an epoch is
  /// Replaces `value` when `--set name=..` was given; reports a value of another kind.
  bool applyOverride(const std::string &name, Value &value);
  /// The optimizer that is being made for a training, whose arguments `--set` may give.
  struct {
    const ast::Expr *call = nullptr;
    std::string training;
  } optimizerFor;
  void overrideArguments(const Value &callee, CallSite &site);
  bool checkingOnly = false; ///< a function is being checked by itself, with names for its sizes
  /// A bool that is known: a constant, or one that a statement has computed.
  std::optional<bool> truth(const Value &value);
  /// `--set` of a default of the model that is being trained.
  const ast::ModelItem *overrideModel = nullptr;

  ScopeRef library;                     ///< std and the builtins
  ScopeRef file;                        ///< what the user's file (or the prompt) has defined
  std::vector<const ast::Item *> items; ///< in order, for signatures()

  /// Whether a function's body is being elaborated.
  bool insideFunction() const { return !active.empty(); }
  /// Functions and models are checked by themselves before they are used (switched off when that was done before).
  bool checkItems = true;

private:
  void loadLibrary();
  void declare(const ast::Program &program, const ScopeRef &scope);
  bool ensureChecked(const ast::FnItem &item, const ScopeRef &scope, const std::shared_ptr<ModelInstance> &self);
  bool ensureChecked(const ast::ModelItem &item);
  bool ensureChecked(const ast::OptimizerItem &item);
  bool ensureRuleChecked(const Function &function);
  template <class Item> bool checkedOnce(const Item &item, const std::function<void()> &check);
  void checkOverrides(const ast::Program &program);
  void collectLeaves(Value &value, std::vector<Value *> &leaves, std::set<const void *> &seen);

  struct Before;
  enum class Checked { InProgress, Good, Bad };
  std::map<const void *, Checked> checked;                 ///< functions and models of the user
  std::map<std::string, SourceRange, std::less<>> pending; ///< names that a later statement of the file defines

  struct Active {
    const void *what;
    std::string key;
    unsigned undecided; ///< branches of conditions of sizes around it
  };
  friend class ActiveGuard;
  std::vector<Active> active;                            ///< calls under way, to find recursion
  std::set<std::pair<const void *, std::string>> failed; ///< instances in which errors were reported
  size_t callCount = 0;                                  ///< calls made since the outermost one under way
  bool exhausted = false; ///< there were too many of them: the outermost one comes to nothing
  unsigned undecided = 0; ///< branches under way that only an instance decides
  unsigned depth = 0;
  bool tooDeep = false;         ///< reported for the expression under way
  int64_t unrolledElements = 0; ///< elements of comprehensions in the expression under way
  std::vector<std::unique_ptr<Builtin>> builtins;
  std::unique_ptr<ast::AstContext> libraryTree;
  std::vector<std::pair<std::string, std::string>> inferred; ///< name and signature, in order
};

/// While it lives, random numbers are drawn at another place.
class InDrawPlace {
public:
  InDrawPlace(Elaborator &e, std::string path) : InDrawPlace(e, DrawPlace{std::move(path), {}}) {}
  /// Where something was drawn before: it is drawn again.
  InDrawPlace(Elaborator &e, DrawPlace place) : e(e), outer(std::exchange(e.draws, std::move(place))) {}
  ~InDrawPlace() { e.draws = std::move(outer); }
  InDrawPlace(const InDrawPlace &) = delete;

private:
  Elaborator &e;
  DrawPlace outer;
};

/// How many elements comprehensions of one expression may have that are unrolled.
constexpr int64_t maxUnrolled = 100'000;

bool isComparison(ast::BinaryOp op);
/// Whether a value is a number without a type, or a list of such.
bool isLiteral(const Value &value);
/// Whether a number with a point is among the elements of a list, those of lists within it counted, or is the value.
bool hasFraction(const Value &value);
/// Whether the lists within a list have one length each axis.
bool isRegular(const Value &list);

/// Numbers, strings or computed tensors under names: a value whose members these are (`guess.history`).
Value groupOf(const std::string &name, std::vector<std::pair<std::string, Value>> members, SourceRange at);
/// Whether a value is one.
bool isGroup(const Value &value);

/// Names in backticks, separated by commas; the first dozen.
std::string listed(const std::vector<std::string> &names);

/// The names of a function's or model's parameters, in order; none when it has no names for them.
std::vector<std::string> parameterNames(const Value &callee);
/// The same value with its leaves (leavesOf) replaced, in order.
Value withLeaves(const Value &value, const std::vector<Value> &leaves, size_t &next);
/// Whether a value consists of floating-point tensors, numbers and models.
bool hasGradient(const Value &value);

/// A call being made: the arguments, evaluated, and where everything is.
struct CallSite {
  struct Argument {
    std::string name; ///< empty when positional
    Value value;
    SourceRange nameAt;
  };
  std::vector<Argument> arguments;
  SourceRange at;       ///< the whole call
  SourceRange calleeAt; ///< the function's name
  std::string callee;   ///< as written, for messages

  // After binding to a Builtin's parameters:
  std::vector<std::optional<Value>> bound;
  std::vector<Value> rest; ///< of a `x...` parameter
  bool has(size_t i) const { return bound[i].has_value(); }
  const Value &operator[](size_t i) const { return *bound[i]; }
};

} // namespace dlc

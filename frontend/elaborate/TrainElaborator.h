// A `train` block being elaborated: its settings, its check, and the functions made of it. For Train*.cpp alone.
#pragma once

#include "frontend/elaborate/Elaborator.h"
#include "frontend/elaborate/TrainPlan.h"

namespace dlc {

/// The names of all settings.
const std::vector<std::string> &trainSettingNames();

/// The functions of a training on a batch: the step, or with `accumulate` its two halves (gradients are added up, and then
/// used), and the loss and reports alone.
enum class TrainPart { Step, Accumulate, Update, Evaluate };

class StepFunction;

/// One elaboration of a train block: shared by its check and by the functions made of it.
class TrainElaborator : public std::enable_shared_from_this<TrainElaborator> {
public:
  /// `scope`: where it stands, a file's or that of a loop's turn.
  TrainElaborator(Elaborator &e, const ast::TrainItem &item, ScopeRef scope)
      : e(e), item(item), name(item.name), scope(std::move(scope)) {}

  /// Checks everything; with an executor also fills `plan`. False when an error was reported.
  bool check();
  TrainModule function(TrainPart part, int64_t batch);
  TrainModule initial();
  /// Loss and reports of a batch, of a model with these values: inputs are the fields, and what is captured.
  TrainModule evaluation(const Value &trained, int64_t batch) const;
  /// The types of what the block first calls the model with, for a batch of this size; nothing when an error was reported.
  std::optional<std::vector<Value>> inputsOfModel(const Size &batch) const;
  /// Whether a data set has the fields of the one that is trained on; reports it when not, for `what`.
  bool hasFields(const Value &data, const std::string &what) const;
  /// What the settings make of the parts of the model, in lines: which parameters each optimizer has, and which are frozen.
  std::vector<std::string> partsText() const;

  Value model;
  TrainPlan plan;

private:
  struct Body {
    Value loss;
    std::vector<Value> reports;
    std::map<size_t, Value> assigned; ///< what buffers become, by their number among the parameters
  };
  /// The block's lets, `minimize` and reports for one batch; nothing when an error was reported.
  std::optional<Body> body(const Value &model, const std::vector<std::pair<std::string, Value>> &fields, bool training);
  /// The same while it is checked, where the parameters vary that are to.
  std::optional<Body> bodyOf(const Size &batch, llvm::function_ref<bool(const ParamSlotRef &)> varies);
  /// Whether a gradient of the checked loss reaches what is trained; reports it when not, and warns of an optimizer whose part
  /// none reaches.
  bool gradientReaches(const Body &checked, const Size &batch);
  std::string minimizedText(const ast::Expr &minimized) const;
  std::optional<Body> differentiated(const std::vector<Value> &params,
                                     const std::vector<std::pair<std::string, Value>> &inputs,
                                     std::vector<Value> &gradients);
  bool finishStep(StepFunction &f, std::vector<Value> gradients, const Value &count);
  /// What the averages of weights become (`ema`), from what these become.
  void finishAverages(StepFunction &f, const Value &step);
  /// Fills `frozen` and plan.learned.
  bool freezing();
  /// The parameters and buffers that a setting names, by the parts of the model that they belong to; nothing when an error
  /// was reported.
  std::optional<std::set<std::string>> pathsNamed(const std::string &key, const std::vector<Value> &parts);
  std::optional<std::set<std::string>> pathsOfPart(const std::string &key, const std::string &part, SourceRange at);
  std::set<std::string> pathsIn(const std::string &part) const;
  bool isFrozen(const ModelInstance &layer) const;
  /// Marks a model and those within it as what is trained, and lets their buffers take new values; not what is frozen.
  void markTrained(ModelInstance &part);
  bool settings();
  bool unknownSettings();
  bool lengths();
  bool validation();
  bool averaging();
  bool initialFile();
  bool sampling();
  bool accumulateFits();
  bool optimizerSetting();
  /// Whether the file or the command line gives a setting; whether the command line does.
  bool given(const char *key) const { return setting(key) || overridden(key); }
  bool overridden(const char *key) const;
  /// Reports a setting's value.
  bool bad(const char *key, const Value &value, const std::string &found, const std::string &expected,
           const std::string &help = "");
  /// The optimizers that take an argument of this name: `adam`; "" when none does.
  std::string optimizerWith(const std::string &argument) const;
  const ast::TrainEntry *setting(const char *key) const;
  Value settingValue(const char *key);
  bool number(const char *key, int64_t &into, int64_t least);
  bool flag(const char *key, bool &into);
  bool text(const char *key, std::string &into);
  bool stopAfter();
  /// Whether less of a report is better, where nothing says it: it is a loss, or is called like one.
  bool isLowerBetter(const std::string &report) const;
  /// The same of an expression of the block, as far as its text says it: a loss of std, a distance, a share of mistakes or of
  /// right answers, or what grows and falls with one. Nothing where it says neither: `1 - mse(..) / variance`.
  std::optional<bool> lowerIsBetter(const ast::Expr &expr, unsigned depth = 0) const;
  Value scalar(Value value, const std::string &what);
  std::vector<std::pair<std::string, Value>> fields(const Size &batch);
  /// The new values of what is learned, each with its states behind it; `gradients`, `learned` and `states` are in the order
  /// of plan.learned.
  bool update(const std::vector<Value> &gradients, const std::vector<Value> &learned,
              std::vector<std::vector<Value>> states, const Value &step, std::vector<mlir::Value> &results,
              Value &rate);
  /// An optimizer's settings at this step: schedules become scalars. Null when an error was reported.
  ScopeRef settingsAt(const OptimizerInstance &instance, const Value &step);
  std::vector<Value> clip(std::vector<Value> gradients);

  Elaborator &e;
  const ast::TrainItem &item;
  std::string name;
  ScopeRef scope;
  bool assignGroups(const std::vector<Value> &optimizers);
  bool checkOptimizer(const Value &optimizer);
  bool addStates(const OptimizerInstance &optimizer);

  struct Group {
    OptimizerInstance optimizer;
    std::string suffix; ///< of its text
  };
  std::vector<Group> groups;
  std::vector<size_t> groupOf;  ///< of what is learned
  std::set<std::string> frozen; ///< paths
};

/// What a trained model keeps of its training.
struct TrainedBy {
  std::shared_ptr<const TrainElaborator> train;
  Value history; ///< a group
};

} // namespace dlc

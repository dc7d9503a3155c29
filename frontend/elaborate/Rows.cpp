// The rows of data sets: parts of splits and folds, other orders, and data sets made of tensors.
#include "frontend/elaborate/Elaborator.h"

#include <algorithm>

namespace dlc {

Value Elaborator::partOf(const Value &data, const RowStep &step, const std::string &part, SourceRange at) {
  auto made = std::make_shared<DataInfo>(*data.data);
  made->cut.reset();
  std::string suffix = part.empty() ? "" : "." + part;
  made->name += suffix;
  if (step.kind == RowStep::Choose)
    made->at = at;
  // Rows that are chosen in different places are of different numbers.
  std::string chosen = step.kind == RowStep::Choose ? fmt::format(".filter{}", at.begin) : "";
  made->rows = step.kind == RowStep::Shuffle ? data.data->rows : Size::ofData(made->name + chosen + ".rows", at);
  bool known = step.kind != RowStep::Choose || step.rows; // while a loop is checked nobody knows which rows
  auto open = [this, whole = data.data, step, part, at](DataInfo &opening) {
    return opened(*whole) && executor->choose(*whole, step, part, opening, at);
  };
  if (opensLate && !data.data->handle)
    made->opens = open;
  else if (executor && known && !open(*made))
    return poison(at);
  Value value = data;
  value.data = made;
  value.at = at;
  return value;
}

bool Elaborator::isChosen(const Value &data) {
  if (!data.data->cut)
    return true;
  std::string text = shortText(data.at);
  text = text == "x" ? data.data->name : text;
  std::vector<std::string> parts = data.data->cut->parts();
  for (std::string &part : parts)
    part = text + "." + part;
  error(Diag::PartNotChosen, data.at, text, listed(parts)).help("choose one: `" + parts[0] + "`");
  return false;
}

Value Elaborator::withStep(const Value &data, const RowStep &step, SourceRange at) {
  if (!isChosen(data))
    return poison(at);
  if (!step.isCut())
    return partOf(data, step, "", at);
  Value value = data;
  value.data = std::make_shared<DataInfo>(*data.data);
  value.data->cut = step;
  value.at = at;
  return value;
}

/// Whether the tensors that a data set is made of are what its fields say, and have as many rows each.
bool Elaborator::checkTensorFields(const DataInfo &info) {
  const Value *first = nullptr;
  for (const DataInfo::Field &field : info.fields) {
    const Value *given = nullptr;
    for (auto &[name, value] : info.source->arguments)
      if (name == field.name)
        given = &value;
    Shape shape = {{first ? first->shape[0].size : Size::named("n", field.at), field.at}};
    shape.insert(shape.end(), field.shape.begin(), field.shape.end());
    Value expected = Value::ofTensor(field.dtype, shape, {}, field.at);
    bool fits = given->isTensor() && !field.isString && !field.category && given->dtype == field.dtype &&
                given->shape.size() == shape.size();
    for (size_t i = first ? 0 : 1; fits && i < shape.size(); ++i)
      fits = sameSize(given->shape[i].size, shape[i].size).value_or(true);
    if (fits) {
      first = first ? first : given;
      continue;
    }
    auto report =
        error(Diag::WrongType, given->at, "field `" + field.name + "`", describe(*given),
              field.isString || field.category ? "a field of numbers, which `tensors` are" : describe(expected));
    report.note(field.at, "the field is declared here");
    if (given->isTensor() && given->dtype != field.dtype)
      report.help(fmt::format("`{}({})` converts", nameOf(field.dtype), shortText(given->at)));
    return false;
  }
  return true;
}

} // namespace dlc

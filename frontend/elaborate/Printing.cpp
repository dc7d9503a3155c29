// Values as text. In compiled code a tensor's text is made when it runs: what is around it is fixed here.
#include "frontend/elaborate/Printing.h"

#include "frontend/elaborate/Texts.h"

#include "ir/Dialect.h"

#include <cmath>

namespace dlc {

static std::string numberText(double value) {
  std::string text = std::isnan(value) ? "nan" : fmt::format("{:.6g}", value);
  return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
}

/// A column of strings as tensors are shown: lines that are not too long, and only the ends of a long one.
static std::string columnText(const std::vector<std::string> &strings) {
  constexpr size_t most = 1000, ends = 3, longest = 75;
  std::string text = "[";
  size_t line = 0; // where it begins
  for (size_t i = 0; i < strings.size(); ++i) {
    bool skips = strings.size() > most && i == ends;
    if (skips)
      i = strings.size() - ends;
    std::string next = (i ? ", " : "") + std::string(skips ? "..., " : "") + strings[i];
    if (i && text.size() + next.size() - line > longest) {
      text += ",\n";
      line = text.size();
      next.replace(0, 1, ""); // the blank that is left lies below the bracket
    }
    text += next;
  }
  return text + "]";
}

std::string textOf(const Value &value, llvm::function_ref<std::string(const Value &)> tensorText) {
  switch (value.kind) {
  case Value::Tensor:
    return tensorText(value);
  case Value::Number:
    return value.isFloat ? numberText(value.number) : std::to_string(value.integer);
  case Value::SizeOf:
    return value.size.str();
  case Value::Bool:
    return value.flag ? "true" : "false";
  case Value::String:
    return value.text;
  case Value::DTypeName:
    return std::string(nameOf(value.dtype));
  case Value::Strings:
    return value.strings ? columnText(*value.strings) : typeString(value);
  case Value::Tuple:
  case Value::List: {
    std::string text = value.kind == Value::Tuple ? "(" : "[";
    for (size_t i = 0; i < value.elements.size(); ++i)
      text += (i ? ", " : "") + textOf(value.elements[i], tensorText);
    return text + (value.kind == Value::Tuple ? ")" : "]");
  }
  case Value::Model: {
    std::string text = value.model->name + " {\n";
    for (const ParamSlotRef &slot : parametersOf(*value.model))
      text += "  " + slot->path + ": " + typeString(slot->value) + "\n";
    // `ratings.classes` groups numbers as a model does.
    for (const ModelInstance::Entry &entry : value.model->entries)
      if (entry.layer && (entry.layer->isNumber() || entry.layer->kind == Value::Strings))
        text += "  " + entry.name + ": " + textOf(*entry.layer, tensorText) + "\n";
    return text + "}";
  }
  case Value::Data: {
    std::string text = "{ ";
    for (const DataInfo::Field &field : value.data->fields)
      text += field.name + ": " + typeString(Value::ofTensor(field.dtype, field.shape, {}, {})) + ", ";
    return text + "rows: " + value.data->rows.str() + " }";
  }
  default:
    return typeString(value);
  }
}

bool holdsLate(const Value &value) {
  bool many = value.kind == Value::Tuple || value.kind == Value::List;
  return isLate(value) || (many && llvm::any_of(value.elements, holdsLate));
}

void emitPrint(Elaborator &e, const std::vector<Value> &values, SourceRange at) {
  constexpr char gap = '\0'; // of no text
  mlir::OpBuilder &builder = e.graph.here();
  std::vector<mlir::Attribute> texts;
  std::vector<mlir::Value> tensors;
  for (const Value &value : values) {
    if (holdsLate(value)) {
      e.error(Diag::NotSupported, value.at, "printing a decoded text in a function or a compiled loop")
          .help(
              "give the text back, and print it at top level; there a `for` over a list or a known range may print it");
      return;
    }
    std::string text = textOf(value, [&](const Value &tensor) {
      tensors.push_back(e.ir(tensor));
      return std::string(1, gap);
    });
    llvm::SmallVector<llvm::StringRef> pieces;
    llvm::StringRef(text).split(pieces, gap);
    texts.push_back(builder.getStrArrayAttr(pieces));
  }
  dl::PrintOp::create(builder, e.location(at), builder.getArrayAttr(texts), tensors);
}

} // namespace dlc

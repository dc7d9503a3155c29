// Functions of functions: Sequential, grad, value_and_grad, vjp, jvp.
#include "frontend/builtins/Builtins.h"
#include "frontend/elaborate/Layers.h"
#include "frontend/elaborate/LoopSource.h"

#include <algorithm>

namespace dlc {

/// Whether argument 0 is a function; models and builtins are functions too.
static bool functionArgument(Elaborator &e, CallSite &site) {
  bool unmade = site[0].kind == Value::Fn && site[0].function->kind == Function::Constructor;
  if ((site[0].kind == Value::Fn && !unmade) || site[0].kind == Value::Model)
    return true;
  auto report = e.error(Diag::WrongType, site[0].at, fmt::format("argument 1 of `{}`", site.callee), describe(site[0]),
                        "a function");
  report.help(unmade ? "make one: `" + site[0].function->name + "(..)`"
                     : fmt::format("for example `{}(x => sum(x ** 2))`", site.callee));
  return false;
}

/// Several as one to loop over. Lists stay lists (of layers, say) unless a tensor or a range is among them.
static Value zipped(Elaborator &e, std::vector<Value> parts, SourceRange at) {
  auto isList = [](const Value &part) { return part.kind == Value::List || part.kind == Value::Tuple; };
  if (llvm::all_of(parts, isList)) {
    std::vector<Value> items;
    for (const Value &part : parts)
      if (part.elements.size() != parts[0].elements.size()) {
        e.error(Diag::ZipLengths, at, parts[0].elements.size(), part.elements.size());
        return e.poison(at);
      }
    for (size_t i = 0; i < parts[0].elements.size(); ++i) {
      std::vector<Value> item;
      for (const Value &part : parts)
        item.push_back(part.elements[i]);
      items.push_back(Value::ofTuple(std::move(item), at));
    }
    return Value::ofList(std::move(items), at);
  }
  for (Value &part : parts) {
    if (isList(part))
      part = e.tensorOfList(part);
    bool rows = part.isTensor() && !part.shape.empty();
    if (part.poison())
      return part;
    if (!rows && part.kind != Value::Range && part.kind != Value::Zip) {
      e.error(Diag::WrongType, part.at, "what is zipped", describe(part), "a tensor with axes, a list or a range");
      return e.poison(at);
    }
  }
  Value made = Value::ofTuple(std::move(parts), at);
  made.kind = Value::Zip;
  return made;
}

/// `enumerate(x)`: each item with its number.
static Value enumerated(Elaborator &e, CallSite &site) {
  std::optional<int64_t> start = site.has(1) ? e.integerConstant(site[1], "`start`") : 0;
  if (!start || site[0].poison())
    return e.poison(site.at);
  const Value &x = site[0];
  auto number = [&](const Size &i) { return Value::ofSize(Size(*start) + i, site.at); };
  if (x.kind == Value::List || x.kind == Value::Tuple || holdsLayers(x)) {
    std::vector<Value> items;
    for (const Value &item : layersIn(x))
      items.push_back(Value::ofTuple({Value::ofInteger(*start + int64_t(items.size()), site.at), item}, site.at));
    return Value::ofList(std::move(items), site.at);
  }
  std::optional<LoopSource> source = loopSource(e, x, "the argument of `enumerate`");
  if (!source)
    return e.poison(site.at);
  if (!source->length) {
    e.error(Diag::WrongType, x.at, "a bound of what is zipped", "computed", "known while compiling");
    return e.poison(site.at);
  }
  Value numbers = e.binary(ast::BinaryOp::Range, number(Size(0)), number(*source->length), site.at);
  return zipped(e, {numbers, x}, site.at);
}

void addGradientBuiltins(BuiltinTable &table) {
  table.add("zip", [](Elaborator &e, CallSite &site) {
    if (site.rest.empty()) {
      e.error(Diag::MissingArgument, site.at, site.callee, "xs");
      return e.poison(site.at);
    }
    return zipped(e, site.rest, site.at);
  });
  table.add("enumerate", enumerated);
  // Layers one after the other, each named by its index.
  table.add("len", [](Elaborator &e, CallSite &site) {
    const Value &x = site[0];
    if (x.kind == Value::List && x.flag)
      return Value::ofSize(x.size, site.at);
    if (x.kind == Value::Model && x.model->undecided)
      return Value::ofSize(Size::ofData("len", site.at), site.at);
    if (x.kind == Value::List || x.kind == Value::Tuple || holdsLayers(x))
      return Value::ofSize(Size(int64_t(layersIn(x).size())), site.at);
    if (x.isTensor() && !x.shape.empty())
      return Value::ofSize(x.shape[0].size, site.at);
    e.error(Diag::WrongType, x.at, "the argument of `len`", describe(x), "a list or a tensor with axes");
    return e.poison(site.at);
  });
  table.add("str", [](Elaborator &e, CallSite &site) {
    const Value &x = site[0];
    if (x.kind == Value::String)
      return x;
    if (x.kind == Value::Number)
      return Value::ofString(x.isFloat ? fmt::format("{}", x.number) : fmt::format("{}", x.integer), site.at);
    if (x.kind == Value::SizeOf)
      return Value::ofString(x.size.str(), site.at);
    if (x.kind == Value::Bool)
      return Value::ofString(x.flag ? "true" : "false", site.at);
    auto report = e.error(Diag::NotConstant, x.at, "the text of " + describe(x));
    if (x.isTensor() && x.shape.empty())
      report.help("`print` shows it; a `for` over a list, `for i in [0, 1]`, knows its numbers");
    else
      report.help("`print` shows it");
    return e.poison(site.at);
  });
  table.add("Sequential", [](Elaborator &e, CallSite &site) {
    auto model = std::make_shared<ModelInstance>();
    model->name = "Sequential";
    model->at = site.at;
    bool listed = site.rest.size() == 1 && site.rest[0].kind == Value::List;
    std::vector<Value> layers = listed ? site.rest[0].elements : site.rest;
    model->undecided = listed && site.rest[0].flag;
    for (size_t i = 0; i < layers.size(); ++i) {
      std::string index = std::to_string(i);
      if (!e.isLayer(layers[i], index))
        return e.poison(site.at);
      model->entries.push_back({index, nullptr, std::make_shared<Value>(layers[i]), layers[i].at});
    }
    nameParameters(*model);
    Value value = Value::unit(site.at);
    value.kind = Value::Model;
    value.model = model;
    return value;
  });
  for (bool withValue : {false, true})
    table.add(withValue ? "value_and_grad" : "grad", [withValue](Elaborator &e, CallSite &site) {
      if (!functionArgument(e, site))
        return e.poison(site.at);
      auto function = std::make_shared<Function>();
      function->kind = Function::Gradient;
      function->name = std::string(withValue ? "value_and_grad" : "grad") + "(" +
                       (site[0].kind == Value::Model     ? site[0].model->name
                        : site[0].function->name.empty() ? "f"
                                                         : site[0].function->name) +
                       ")";
      function->base = std::make_shared<Value>(site[0]);
      function->withValue = withValue;
      std::vector<std::string> names = parameterNames(site[0]);
      if (site.has(1))
        for (const Value &name : site[1].kind == Value::List ? site[1].elements : std::vector<Value>{site[1]}) {
          if (name.kind != Value::String) {
            e.error(Diag::WrongType, name.at, "`wrt`", describe(name), "a parameter's name, or a list of names");
            return e.poison(site.at);
          }
          if (std::find(names.begin(), names.end(), name.text) == names.end()) {
            auto report = e.error(Diag::UnknownArgument, name.at, e.shortText(site[0].at), name.text);
            if (std::string near = nearest(name.text, names); !near.empty())
              report.help("did you mean `" + near + "`?");
            else if (!names.empty())
              report.help("its parameters are " + listed(names));
            return e.poison(site.at);
          }
          function->wrt.push_back(name.text);
        }
      function->tupleResult = site.has(1) && site[1].kind == Value::List;
      return Value::ofFunction(function, site.at);
    });
  table.add("vjp", [](Elaborator &e, CallSite &site) {
    if (!functionArgument(e, site))
      return e.poison(site.at);
    if (site.rest.empty()) {
      e.error(Diag::MissingArgument, site.at, site.callee, "x");
      return e.poison(site.at);
    }
    std::vector<Value> arguments = site.rest;
    for (size_t i = 0; i < arguments.size(); ++i) {
      arguments[i] = e.differentiableArgument(site[0], i, arguments[i]);
      if (arguments[i].poison())
        return e.poison(site.at);
    }
    for (size_t i = 0; i < arguments.size(); ++i)
      if (!hasGradient(arguments[i])) {
        e.error(Diag::GradientOf, arguments[i].at, "floating-point numbers", fmt::format("argument {}", i + 2),
                describe(arguments[i]));
        return e.poison(site.at);
      }
    auto pullback = std::make_shared<Function>();
    pullback->draws = e.draws;
    Value y = e.apply(site[0], arguments, site.at);
    if (y.poison())
      return y;
    pullback->kind = Function::Pullback;
    pullback->name = "the pullback";
    pullback->base = std::make_shared<Value>(site[0]);
    pullback->arguments = arguments;
    return Value::ofTuple({y, Value::ofFunction(pullback, site.at)}, site.at);
  });
  table.add("jvp", [](Elaborator &e, CallSite &site) {
    if (!functionArgument(e, site))
      return e.poison(site.at);
    return e.push(site[0], site[1], site[2], site.at);
  });
}

} // namespace dlc

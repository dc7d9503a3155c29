// Statements and definitions as text.
#include "frontend/syntax/AstPrinterImpl.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace dlc::ast {

/// An expression at the beginning of a statement: in parentheses where its first word would begin another statement.
void Printer::statementStart(const Expr &e) {
  size_t begin = out.size();
  expr(e);
  if (overflow || e.kind == ExprKind::Name)
    return;
  std::string_view text = std::string_view(out).substr(begin);
  std::string_view word = text.substr(0, text.find_first_of(" ([.{"));
  bool duration = e.kind == ExprKind::Duration && !std::isdigit((unsigned char)text[0]);
  if (word != "minimize" && word != "return" && !duration)
    return;
  out.insert(begin, "(");
  put(")");
}

void Printer::stmt(const Stmt &s) {
  if (overflow)
    return;
  switch (s.kind) {
  case StmtKind::Let: {
    auto &let = static_cast<const LetStmt &>(s);
    put(let.isVar ? "var " : "let ");
    expr(*let.pattern);
    if (let.type) {
      put(": ");
      type(*let.type);
    }
    put(" = ");
    return expr(*let.value);
  }
  case StmtKind::Assign: {
    auto &assign = static_cast<const AssignStmt &>(s);
    statementStart(*assign.target);
    put(fmt::format(" {}= ", assign.compound ? spelling(assign.op) : ""));
    return expr(*assign.value);
  }
  case StmtKind::For: {
    auto &loop = static_cast<const ForStmt &>(s);
    put("for ");
    expr(*loop.pattern);
    put(" in ");
    headed(*loop.source);
    put(" ");
    return block(*loop.body);
  }
  case StmtKind::While: {
    auto &loop = static_cast<const WhileStmt &>(s);
    put("while ");
    headed(*loop.condition);
    put(" ");
    return block(*loop.body);
  }
  case StmtKind::Break:
    return put("break");
  case StmtKind::Continue:
    return put("continue");
  case StmtKind::Expr:
    return statementStart(*static_cast<const ExprStmt &>(s).expr);
  case StmtKind::Item:
    return item(*static_cast<const ItemStmt &>(s).item);
  }
}

void Printer::doc(std::string_view doc) {
  while (!doc.empty()) {
    std::string_view line = doc.substr(0, doc.find('\n'));
    put(line.empty() ? "///" : "/// ");
    put(line);
    newline();
    doc.remove_prefix(std::min(doc.size(), line.size() + 1));
  }
}

void Printer::item(const Item &i) {
  doc(i.doc);
  switch (i.kind) {
  case ItemKind::Fn:
    return fn(static_cast<const FnItem &>(i));
  case ItemKind::Derivative:
    return derivative(static_cast<const DerivativeItem &>(i));
  case ItemKind::Model:
    return model(static_cast<const ModelItem &>(i));
  case ItemKind::Optimizer:
    return optimizer(static_cast<const OptimizerItem &>(i));
  case ItemKind::Data:
    return data(static_cast<const DataItem &>(i));
  case ItemKind::Train:
    return train(static_cast<const TrainItem &>(i));
  }
}

void Printer::fn(const FnItem &fn) {
  put(fn.body ? "fn " : "builtin fn ");
  put(fn.name);
  parameters(fn.parameters);
  if (fn.result) {
    put(" -> ");
    type(*fn.result);
  }
  if (!fn.body)
    return;
  put(" ");
  block(*fn.body);
}

void Printer::derivative(const DerivativeItem &item) {
  put("derivative ");
  put(item.name);
  parameters(item.parameters);
  put(fmt::format(" -> {} with {} ", item.result, item.cotangent));
  blockLines(*item.body);
}

void Printer::optimizer(const OptimizerItem &item) {
  put("optimizer ");
  put(item.name);
  parameters(item.parameters);
  put(" ");
  braced([&] {
    newline();
    if (!item.states.empty()) {
      put("state ");
      for (size_t i = 0; i < item.states.size(); ++i) {
        put(i ? ", " : "");
        parameter(item.states[i]);
      }
      newline();
    }
    put("update");
    parameters(item.updateParameters);
    put(" ");
    blockLines(*item.update);
  });
}

void Printer::model(const ModelItem &item) {
  put("model ");
  put(item.name);
  if (!item.parameters.empty())
    parameters(item.parameters);
  put(" ");
  members(item.members);
}

void Printer::members(const std::vector<Member *> &members) {
  if (members.empty())
    return put("{}");
  braced([&] {
    newline();
    spaced(members.size(), [&](size_t i) { member(*members[i]); });
  });
}

void Printer::member(const Member &m) {
  doc(m.doc);
  switch (m.kind) {
  case MemberKind::Param:
  case MemberKind::Buffer:
    put(m.kind == MemberKind::Param ? "param " : "buffer ");
    put(m.name);
    put(": ");
    type(*m.type);
    put(" = ");
    return expr(*m.value);
  case MemberKind::Layer:
  case MemberKind::Let:
    put(m.kind == MemberKind::Layer ? "layer " : "let ");
    put(m.name);
    put(" = ");
    return expr(*m.value);
  case MemberKind::Fn:
    return fn(*m.fn);
  case MemberKind::If:
    put("if ");
    headed(*m.value);
    put(" ");
    members(m.thenMembers);
    if (m.elseMembers.empty())
      return;
    put(" else ");
    if (m.elseMembers.size() == 1 && m.elseMembers[0]->kind == MemberKind::If && m.elseMembers[0]->doc.empty())
      return member(*m.elseMembers[0]);
    return members(m.elseMembers);
  }
}

void Printer::data(const DataItem &item) {
  auto fields = [&] {
    put(fmt::format("data {}: {{", item.name));
    for (size_t i = 0; i < item.fields.size(); ++i) {
      put(i ? ", " : " ");
      parameter(item.fields[i]);
    }
    put(item.fields.empty() ? "}" : " }");
  };
  if (tryFlat([&] {
        fields();
        put(" = ");
        expr(*item.source);
      }))
    return;
  fields();
  ++indent;
  newline();
  put("= ");
  expr(*item.source);
  --indent;
}

void Printer::train(const TrainItem &item) {
  put("train ");
  put(item.name);
  put(" = ");
  headed(*item.model);
  if (item.data) {
    put(" on ");
    headed(*item.data);
  }
  put(" ");
  if (item.entries.empty())
    return put("{}");
  braced([&] {
    for (const TrainEntry &entry : item.entries) {
      newline();
      switch (entry.kind) {
      case TrainEntry::Statement:
        stmt(*entry.statement);
        continue;
      case TrainEntry::Minimize:
        put("minimize ");
        break;
      case TrainEntry::Report:
        put(fmt::format("report {} = ", entry.name));
        break;
      case TrainEntry::Setting:
        put(fmt::format("{}: ", entry.name));
        break;
      }
      expr(*entry.value);
    }
  });
}

void Printer::spaced(size_t count, const std::function<void(size_t)> &print) {
  bool severalBefore = false;
  for (size_t i = 0; i < count; ++i) {
    size_t begin = out.size();
    if (i)
      newline();
    size_t entry = out.size();
    print(i);
    bool several = out.find('\n', entry) != std::string::npos;
    if (i && (several || severalBefore))
      out.insert(begin, "\n");
    severalBefore = several;
  }
}

void Printer::program(const Program &program) {
  if (program.statements.empty())
    return;
  spaced(program.statements.size(), [&](size_t i) { stmt(*program.statements[i]); });
  put("\n");
}

} // namespace dlc::ast

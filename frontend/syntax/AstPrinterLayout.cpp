// Lines and indentation; what spans lines (blocks, `if`); types and parameters.
#include "frontend/syntax/AstPrinterImpl.h"

namespace dlc::ast {

void Printer::put(std::string_view text) {
  if (overflow)
    return;
  out += text;
  overflow = flat && out.size() > flatLimit;
}

void Printer::newline() {
  overflow |= flat;
  put("\n");
  put(std::string(2 * indent, ' '));
}

bool Printer::tryFlat(const std::function<void()> &print) {
  if (flat) {
    print();
    return true;
  }
  size_t begin = out.size(), lineBegin = out.rfind('\n') + 1; // npos + 1 is 0
  if (begin - lineBegin > flatWidth)
    return false;
  flat = true;
  flatLimit = lineBegin + flatWidth;
  print();
  flat = false;
  if (!overflow)
    return true;
  overflow = false;
  out.resize(begin);
  return false;
}

void Printer::headed(const Expr &e) {
  size_t begin = out.size();
  expr(e);
  if (overflow || out[begin] != '{')
    return;
  out.insert(begin, "(");
  put(")");
}

void Printer::ifElse(const IfExpr &choice) {
  auto branch = [&](const Block &block) { flat ? this->block(block) : blockLines(block); };
  put("if ");
  headed(*choice.condition);
  put(" ");
  branch(*choice.thenBlock);
  if (!choice.elseBlock)
    return;
  put(" else ");
  const std::vector<Stmt *> &statements = choice.elseBlock->statements;
  if (statements.size() == 1 && statements[0]->kind == StmtKind::Expr) {
    const Expr &only = *static_cast<const ExprStmt *>(statements[0])->expr;
    if (only.kind == ExprKind::If)
      return ifElse(static_cast<const IfExpr &>(only));
  }
  branch(*choice.elseBlock);
}

void Printer::block(const Block &block) {
  if (block.statements.empty())
    return put("{}");
  bool one = block.statements.size() == 1 && block.statements[0]->kind != StmtKind::Item;
  auto oneLine = [&] {
    put("{ ");
    stmt(*block.statements[0]);
    put(" }");
  };
  if (!(one && tryFlat(oneLine)))
    blockLines(block);
}

void Printer::blockLines(const Block &block) {
  if (block.statements.empty())
    return put("{}");
  braced([&] {
    for (const Stmt *statement : block.statements) {
      newline();
      stmt(*statement);
    }
  });
}

void Printer::braced(const std::function<void()> &print) {
  put("{");
  ++indent;
  print();
  --indent;
  newline();
  put("}");
}

void Printer::type(const TypeExpr &t) {
  auto types = [&] {
    put("(");
    for (size_t i = 0; i < t.elements.size(); ++i) {
      put(i ? ", " : "");
      type(*t.elements[i]);
    }
    put(t.kind == TypeKind::Tuple && t.elements.size() == 1 ? ",)" : ")");
  };
  switch (t.kind) {
  case TypeKind::Named:
    return put(t.name);
  case TypeKind::Tensor:
    put(t.name);
    put(t.ellipsis ? t.sizes.empty() ? "[..." : "[..., " : "[");
    list(t.sizes);
    return put("]");
  case TypeKind::Tuple:
    return types();
  case TypeKind::Function:
    put("fn");
    types();
    put(" -> ");
    return type(*t.result);
  }
}

void Printer::parameters(const std::vector<Parameter> &parameters) {
  put("(");
  for (size_t i = 0; i < parameters.size(); ++i) {
    put(i ? ", " : "");
    parameter(parameters[i]);
  }
  put(")");
}

void Printer::parameter(const Parameter &parameter) {
  put(parameter.name);
  if (parameter.type) {
    put(": ");
    type(*parameter.type);
  }
  if (parameter.defaultValue) {
    put(" = ");
    expr(*parameter.defaultValue);
  }
}

} // namespace dlc::ast

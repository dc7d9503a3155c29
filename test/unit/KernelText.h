// Kernels as text, for tests.
#pragma once

#include <string>

namespace dlc::test {

inline std::string replaceAll(std::string text, const std::string &from, const std::string &to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

/// A function around one kernel. `operands` is a list of "%name: memref<..>" for the function, `ins` and `outs` lists
/// of those names with types, as in the kernel's own text.
inline std::string kernel(const std::string &operands, const std::string &ins, const std::string &outs,
                          const std::string &body, const std::string &kind = "map") {
  return "func.func @f(" + operands + ") {\n  dl.kernel \"k\" " + kind + " ins(" + ins + ") outs(" + outs + ") {\n" +
         body + "\n  }\n  return\n}\n";
}

/// One input and one output of type `shape`, with `op` between.
inline std::string unary(const std::string &shape, const std::string &op) {
  std::string memref = "memref<" + shape + ">", tensor = "tensor<" + shape + ">";
  return kernel("%a: " + memref + ", %b: " + memref, "%a : " + memref, "%b : " + memref,
                "  ^bb0(%x: " + tensor + "):\n    %y = " + op + " : " + tensor + "\n    dl.yield %y : " + tensor);
}

} // namespace dlc::test

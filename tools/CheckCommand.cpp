// `dlc check FILE`: names, types and sizes only; data is never opened.
#include "tools/Commands.h"
#include "tools/Session.h"

#include "frontend/parser/Parser.h"

#include <cstdio>

namespace dlc {

static int check(const std::vector<std::string> &files, bool types) {
  int worst = 0;
  for (const std::string &file : files) {
    SourceManager sources;
    DiagnosticEngine diagnostics(sources);
    mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
    Elaborator checker(sources, diagnostics, context, nullptr);
    ast::AstContext tree;
    Result<std::string> text = readProgram(file);
    if (!text) {
      std::fprintf(stderr, "error: %s\n", text.error().str().c_str());
      worst = worst ? worst : 1;
      continue;
    }
    ast::Program program = parse(sources, sources.add(file, std::move(*text)), tree, diagnostics);
    if (diagnostics.errorCount() == 0 && program.statements.empty())
      diagnostics.report(Diag::RunProblem, {}, file + ": the program is empty");
    if (diagnostics.errorCount() == 0)
      checker.program(program);
    if (types && files.size() > 1)
      std::printf("%s%s:\n", &file == &files.front() ? "" : "\n", file.c_str());
    if (types)
      std::fputs(checker.signatures().c_str(), stdout);
    std::fflush(stdout);
    std::fputs(diagnostics.render(colourOfErrors()).c_str(), stderr);
    worst = worst ? worst : diagnostics.exitCode();
  }
  return worst;
}

Action addCheckCommand(CLI::App &app) {
  CLI::App *command =
      app.add_subcommand("check", "check names, types and sizes of programs, without opening their data");
  auto files = std::make_shared<std::vector<std::string>>();
  auto types = std::make_shared<bool>(false);
  command->add_option("files", *files, "programs (.dl)")->required();
  command->add_flag("--types", *types, "print the signatures that were inferred");
  return [files, types] { return check(*files, *types); };
}

} // namespace dlc

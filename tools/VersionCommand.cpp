// `dlc version`: the version, and with --cpu the processor that code is generated for.
#include "tools/Commands.h"

#include "codegen/Target.h"
#include "runtime/AvailableThreads.h"

#include "llvm/Config/llvm-config.h"

#include <cstdio>

namespace dlc {

static constexpr const char *versionText = "0.1.0";

Action addVersionCommand(CLI::App &app) {
  CLI::App *command = app.add_subcommand("version", "the version; with --cpu what is known of this processor");
  auto cpu = std::make_shared<bool>(false);
  command->add_flag("--cpu", *cpu, "the processor, its vector width, and the threads that this process may use");
  return [cpu] {
    std::printf("dlc %s (LLVM %s)\n", versionText, LLVM_VERSION_STRING);
    if (*cpu) {
      Target host = Target::host();
      std::printf("cpu      %s\nvectors  %d bits (%s)\ntile     %d rows x %d vectors\nthreads  %d\n", host.cpu.c_str(),
                  host.vectorBytes * 8, host.avx512 ? "AVX-512" : "AVX2", host.tileRows(), host.tileVectors(),
                  availableThreads());
      if (!host.canRun())
        std::printf("this processor has no AVX2 and FMA: compiled code cannot run here\n");
    }
    return 0;
  };
}

} // namespace dlc

// dlc-bench: times the workloads of bench/Workloads.h in dlc. One JSON object on one line: row, threads, who, step_us,
// infer_us, first_step_s, peak_mb, gflops, peak_gflops. bench/bench.py puts PyTorch and JAX beside it. `--kernels` prints
// where a step's time goes instead.
#include "bench/TimedStep.h"
#include "bench/Workloads.h"
#include "runtime/Safetensors.h"
#include "tools/Session.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <immintrin.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

namespace dlc {

using Clock = std::chrono::steady_clock;

//===-- The machine's peak ----------------------------------------------------------------------------------------------===//

__attribute__((target("avx512f"))) static double fmaWide(int64_t count) {
  __m512 sums[16];
  for (auto &sum : sums)
    sum = _mm512_set1_ps(1e-30f);
  __m512 a = _mm512_set1_ps(0.999f), b = _mm512_set1_ps(1e-31f);
  for (int64_t i = 0; i < count; ++i)
#pragma clang loop unroll(full)
    for (int j = 0; j < 16; ++j)
      sums[j] = _mm512_fmadd_ps(sums[j], a, b);
  float total = 0;
  for (auto &sum : sums)
    total += _mm512_reduce_add_ps(sum);
  return total;
}

__attribute__((target("avx2,fma"))) static double fmaNarrow(int64_t count) {
  __m256 sums[12];
  for (auto &sum : sums)
    sum = _mm256_set1_ps(1e-30f);
  __m256 a = _mm256_set1_ps(0.999f), b = _mm256_set1_ps(1e-31f);
  for (int64_t i = 0; i < count; ++i)
#pragma clang loop unroll(full)
    for (int j = 0; j < 12; ++j)
      sums[j] = _mm256_fmadd_ps(sums[j], a, b);
  float lanes[8], total = 0;
  for (auto &sum : sums) {
    _mm256_storeu_ps(lanes, sum);
    total += lanes[0];
  }
  return total;
}

/// GF/s of independent fused multiply-adds on `threads` cores: the best of short runs for as long as the scheduler may take
/// to give each thread a core of its own.
static double measurePeak(bool wide, ThreadPool &pool) {
  constexpr int64_t count = 200000;
  struct Arguments {
    bool wide;
    volatile double sink;
  } arguments{wide, 0};
  double best = 0, work = 2.0 * double(count) * (wide ? 16 * 16 : 12 * 8) * pool.threads();
  for (auto end = Clock::now() + std::chrono::milliseconds(200); Clock::now() < end;) {
    auto begin = Clock::now();
    pool.parallel(
        [](void *raw, int64_t from, int64_t to) {
          auto *given = static_cast<Arguments *>(raw);
          for (int64_t i = from; i < to; ++i)
            given->sink = given->wide ? fmaWide(count) : fmaNarrow(count);
        },
        &arguments, pool.threads());
    best = std::max(best, work / std::chrono::duration<double, std::nano>(Clock::now() - begin).count());
  }
  return best;
}

//===-- Timing ------------------------------------------------------------------------------------------------------------===//

static double median(std::vector<double> values) {
  auto middle = values.begin() + ptrdiff_t(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// The median time of a call in microseconds, over at least `seconds`.
static double medianMicroseconds(const std::function<void()> &call, double seconds) {
  for (int i = 0; i < 5; ++i)
    call();
  std::vector<double> times;
  auto end = Clock::now() + std::chrono::duration<double>(seconds);
  // Short calls are timed in groups, so that the clock costs nothing.
  auto begin = Clock::now();
  call();
  double once = std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
  int group = int(std::clamp(50.0 / std::max(once, 0.1), 1.0, 100.0));
  while (Clock::now() < end || times.size() < 20) {
    auto from = Clock::now();
    for (int i = 0; i < group; ++i)
      call();
    times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - from).count() / group);
  }
  return median(std::move(times));
}

//===-- Buffers -----------------------------------------------------------------------------------------------------------===//

using Buffer = std::shared_ptr<std::byte>;
/// What a row is given, by name.
using Data = std::map<std::string, Buffer>;

/// Aligned memory, zeroed.
static Buffer zeros(size_t bytes) {
  Result<Arena> made = Arena::allocate(bytes + 64);
  if (!made) {
    std::fprintf(stderr, "error: %s\n", made.error().str().c_str());
    std::exit(1);
  }
  auto arena = std::make_shared<Arena>(std::move(*made));
  return Buffer(arena, arena->data());
}

static size_t bytesOf(const Noise &tensor) { return size_t(*elementCount(tensor.shape)) * sizeOf(tensor.dtype); }

static Data makeData(const Row &row) {
  Data data;
  uint64_t random = 88172645463325252ull;
  for (const Noise &tensor : row.data) {
    Buffer buffer = data[tensor.name] = zeros(bytesOf(tensor));
    for (int64_t i = 0; i < *elementCount(tensor.shape); ++i) {
      random ^= random << 13, random ^= random >> 7, random ^= random << 17;
      double value = isFloat(tensor.dtype) ? double(random % 2001) / 1000 - 1 : double(random % uint64_t(tensor.limit));
      setElement(tensor.dtype, buffer.get(), i, value);
    }
  }
  return data;
}

static void writeData(const Row &row, const Data &data, const std::string &path) {
  std::vector<SafetensorsEntry> entries;
  for (const Noise &tensor : row.data)
    entries.push_back({tensor.name,
                       tensor.dtype,
                       tensor.shape,
                       {reinterpret_cast<const char *>(data.at(tensor.name).get()), bytesOf(tensor)}});
  // As the format wants it.
  std::ranges::sort(entries, std::greater(), [](const SafetensorsEntry &entry) { return sizeOf(entry.dtype); });
  if (Result<void> written = writeSafetensors(path, entries, {}); !written)
    std::fprintf(stderr, "error: %s\n", written.error().str().c_str());
}

namespace {
/// A compiled entry with its buffers, ready to be called again and again.
struct Call {
  std::unique_ptr<Compiled> compiled;
  Buffer params, state, arena;
  std::vector<Buffer> buffers;
  std::vector<void *> inputs, outputs;

  int64_t operator()(dlc_function function, dlc_context &context) {
    return function(params.get(), state.get(), inputs.data(), outputs.data(), arena.get(), &context);
  }
};
} // namespace

static mlir::func::FuncOp entryOf(mlir::ModuleOp module) {
  for (auto function : module.getOps<mlir::func::FuncOp>())
    if (function.isPublic())
      return function;
  return nullptr;
}

/// Compiles a module of the graph stage, makes its buffers and calls it once. Inputs are from `data` by their names (what
/// is not there is one number: the step, the seed), parameters from `initial`.
static std::optional<Call> prepare(Session &session, mlir::OwningOpRef<mlir::ModuleOp> module, const Data &data,
                                   const std::vector<HostBufferRef> &initial) {
  if (!module)
    return std::nullopt;
  Call call;
  auto keep = [&](Buffer buffer) { return static_cast<void *>(call.buffers.emplace_back(std::move(buffer)).get()); };
  mlir::func::FuncOp function = entryOf(*module);
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    if (!function.getResultAttr(i, "dl.updates")) { // those are parameters and state
      auto type = mlir::cast<mlir::RankedTensorType>(function.getResultTypes()[i]);
      call.outputs.push_back(keep(zeros(size_t(type.getNumElements()) * sizeOf(dtypeOf(type.getElementType())))));
    }
  call.compiled = session.compiler->compile(std::move(module));
  if (!call.compiled)
    return std::nullopt;
  for (const std::string &name : call.compiled->inputs)
    if (auto given = data.find(name); given != data.end()) {
      call.inputs.push_back(given->second.get());
    } else {
      call.inputs.push_back(keep(zeros(sizeof(int64_t))));
      *static_cast<int64_t *>(call.inputs.back()) = 1;
    }
  call.params = zeros(call.compiled->paramBytes);
  call.state = zeros(call.compiled->stateBytes);
  call.arena = zeros(call.compiled->function.arenaBytes);
  for (size_t i = 0; i < call.compiled->params.size(); ++i)
    packTensor(call.compiled->params[i], initial.at(i)->data.get(), call.params.get());
  // A step that fails a check ends early, and would look fast.
  dlc_context context = session.pool->context();
  if (int64_t status = call(call.compiled->function.function, context)) {
    Error error = checkError(call.compiled->function, status, context, "", nullptr, 0);
    reportError(session.diagnostics, Diag::RunProblem, {}, error);
    return std::nullopt;
  }
  return call;
}

namespace {
/// The graphs of a row's program.
struct Graphs {
  mlir::OwningOpRef<mlir::ModuleOp> step, infer; ///< no step where nothing is trained
  std::vector<HostBufferRef> initial;            ///< values of the parameters
};

/// A folder of this process, gone at the end.
struct Folder {
  std::filesystem::path path = std::filesystem::temp_directory_path() / fmt::format("dlc-bench-{}", getpid());
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
};

struct Options {
  int threads = 1;
  std::string cpu = "host";
  double seconds = 1;
  bool kernels = false;
  std::string self; ///< this program; `dlc` is beside it
};
} // namespace

/// Runs the program up to its training; errors are in the session's diagnostics.
static std::optional<Graphs> graphsOf(Session &session, const Row &row, const std::string &program) {
  Graphs graphs;
  session.onTrain = [&](const TrainPlan &plan, const TrainFunctions &functions) {
    graphs.step = std::move(functions.step(plan.batch).module);
    if (TrainModule values = functions.initial(); values.module)
      session.run(*values.module, values.captured, graphs.initial, plan.at);
  };
  session.runFile(program);
  if (session.diagnostics.errorCount())
    return std::nullopt;
  graphs.infer = std::move(session.elaborator->entry(row.entry, row.sizes).module);
  return session.diagnostics.errorCount() ? std::nullopt : std::optional(std::move(graphs));
}

/// Prints the kernels of a step, those that take longest first.
static bool printKernels(Session &session, const Row &row, const Data &data, Graphs graphs, double seconds) {
  mlir::OwningOpRef<mlir::ModuleOp> graph = std::move(graphs.step ? graphs.step : graphs.infer);
  mlir::OwningOpRef<mlir::ModuleOp> planned(graph->clone());
  std::optional<Call> call = prepare(session, std::move(graph), data, graphs.initial);
  if (!call || !session.compiler->lower(*planned, PipelineStop::planned))
    return false;
  auto step = TimedStep::create(*planned, session.compiler->target());
  if (!step) {
    std::fprintf(stderr, "error: %s\n", llvm::toString(step.takeError()).c_str());
    return false;
  }
  for (auto end = Clock::now() + std::chrono::duration<double>(seconds); Clock::now() < end;)
    (*step)->run(*session.pool, [&](dlc_function function, dlc_context &context) { (*call)(function, context); });
  std::vector<TimedStep::Kernel> kernels = (*step)->kernels();
  double sum = 0;
  for (const TimedStep::Kernel &kernel : kernels)
    sum += kernel.microseconds;
  fmt::print("{}: {} kernels, {:.1f} us in a step\n{:>10}  {:>7}  {:>6}  kernel\n", row.name, kernels.size(), sum, "us",
             "share", "calls");
  for (const TimedStep::Kernel &kernel : kernels)
    fmt::print("{:10.1f}  {:5.1f} %  {:6}  {}\n", kernel.microseconds, 100 * kernel.microseconds / sum, kernel.calls,
               kernel.name);
  return true;
}

//===-- Rows --------------------------------------------------------------------------------------------------------------===//

/// Seconds from the start of a `dlc run` of one step to its end, and its peak memory.
static std::pair<double, double> firstStep(const std::string &tool, const std::string &program, int threads,
                                           const std::string &cpu) {
  std::string threadText = std::to_string(threads);
  std::vector<const char *> arguments = {tool.c_str(), "run",       program.c_str(), "--threads", threadText.c_str(),
                                         "--cpu",      cpu.c_str(), "--no-cache",    nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", 0, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", 1, 0);
  auto begin = Clock::now();
  pid_t child = 0;
  if (posix_spawn(&child, tool.c_str(), &actions, nullptr, const_cast<char **>(arguments.data()), environ) != 0)
    return {0, 0};
  int status = 0;
  struct rusage usage = {};
  wait4(child, &status, 0, &usage);
  double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  return status == 0 ? std::pair(seconds, double(usage.ru_maxrss) / 1024) : std::pair(0.0, 0.0);
}

/// Adds what is measured in this process to `line`.
static bool measure(Session &session, const Row &row, const Data &data, Graphs graphs, double seconds,
                    nlohmann::json &line) {
  line["peak_gflops"] = measurePeak(session.compiler->target().avx512, *session.pool);
  auto time = [&](mlir::OwningOpRef<mlir::ModuleOp> module) -> std::optional<double> {
    std::optional<Call> call = prepare(session, std::move(module), data, graphs.initial);
    if (!call)
      return std::nullopt;
    dlc_context context = session.pool->context();
    return medianMicroseconds([&] { (*call)(call->compiled->function.function, context); }, seconds);
  };
  bool trains = bool(graphs.step);
  std::optional<double> step = trains ? time(std::move(graphs.step)) : std::nullopt;
  std::optional<double> infer = time(std::move(graphs.infer));
  if (!infer || (trains && !step))
    return false;
  line["step_us"] = trains ? *step : *infer;
  line["infer_us"] = *infer;
  line["gflops"] = row.flops / double(line["step_us"]) / 1e3;
  return true;
}

static int bench(const Row &row, const Options &given) {
  Folder folder;
  std::string program = folder.path / "bench.dl";
  std::FILE *file = std::fopen(program.c_str(), "w");
  std::fputs(row.program.c_str(), file);
  std::fclose(file);
  Data data = makeData(row);
  writeData(row, data, folder.path / "bench.safetensors");
  nlohmann::json line = {{"row", row.name}, {"threads", given.threads}, {"who", "dlc"}};
  SessionOptions options;
  options.programFile = program;
  options.threads = given.threads;
  options.cpu = given.cpu;
  Result<std::unique_ptr<Session>> made = Session::create(options);
  if (!made) {
    std::fprintf(stderr, "error: %s\n", made.error().str().c_str());
    return 1;
  }
  Session &session = **made;
  session.quiet = true;
  std::optional<Graphs> graphs = graphsOf(session, row, program);
  // The system counts the memory of a process from that of its parent on: while this one is small.
  if (graphs && graphs->step && !given.kernels) {
    std::string dlc = std::filesystem::path(given.self).parent_path() / "dlc";
    auto [first, memory] = firstStep(dlc, program, given.threads, given.cpu);
    line["first_step_s"] = first;
    line["peak_mb"] = memory;
  }
  bool good = graphs && (given.kernels ? printKernels(session, row, data, std::move(*graphs), given.seconds)
                                       : measure(session, row, data, std::move(*graphs), given.seconds, line));
  std::fputs(session.diagnostics.render().c_str(), stderr);
  if (good && !given.kernels)
    std::printf("%s\n", line.dump().c_str());
  return good ? 0 : 1;
}

/// Microseconds from a fork to the join behind it, where each thread does nothing but meet the other.
static double forkJoin() {
  ThreadPool pool(2);
  std::atomic<int> begun{0};
  auto meet = [](void *args, int64_t, int64_t) {
    auto *begun = static_cast<std::atomic<int> *>(args);
    for (int target = begun->fetch_add(1) / 2 * 2 + 2; begun->load() < target;)
      ;
  };
  return medianMicroseconds([&] { pool.parallel(meet, &begun, 2); }, 0.2);
}

} // namespace dlc

int main(int argc, char **argv) {
  CLI::App app("Times the workloads of bench/ in dlc; one JSON object a line.", "dlc-bench");
  std::vector<std::string> names;
  dlc::Options given;
  bool list = false, forkJoin = false;
  app.add_option("--row,--rows", names, "which workloads, or kinds of them: `square`, `rnn` (all)")->delimiter(',');
  app.add_option("--threads", given.threads, "threads to compute with");
  app.add_option("--cpu", given.cpu, "generate code for this processor");
  app.add_option("--seconds", given.seconds, "time to measure each");
  app.add_flag("--list", list, "print the names of the workloads");
  app.add_flag("--kernels", given.kernels, "print the kernels of a step with the time that each takes instead");
  app.add_flag("--fork-join", forkJoin, "time a fork and a join of two threads instead");
  CLI11_PARSE(app, argc, argv);
  if (forkJoin) {
    std::printf("%.2f us\n", dlc::forkJoin());
    return 0;
  }
  int code = 0;
  given.self = std::filesystem::read_symlink("/proc/self/exe").string();
  std::vector<dlc::Row> rows = dlc::workloads::all();
  // A name that no row has is that of a kind: `mlp` is a row, and `mlp_small` none of its kind.
  auto isMeant = [&](const dlc::Row &row, const std::string &name) {
    bool isRow = std::ranges::find(rows, name, &dlc::Row::name) != rows.end();
    return name == (isRow ? row.name : row.name.substr(0, row.name.find('_')));
  };
  for (const std::string &name : names)
    if (std::ranges::none_of(rows, [&](const dlc::Row &row) { return isMeant(row, name); })) {
      std::fprintf(stderr, "error: there is no workload `%s`; `--list` prints their names\n", name.c_str());
      return 2;
    }
  for (const dlc::Row &row : rows)
    if (list)
      std::printf("%s\n", row.name.c_str());
    else if (names.empty() || std::ranges::any_of(names, [&](const std::string &name) { return isMeant(row, name); }))
      code |= dlc::bench(row, given);
  return code;
}

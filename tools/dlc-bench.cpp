// dlc-bench: times the workloads of bench/ in dlc. One JSON object on one line: row, threads, who, step_us, infer_us,
// first_step_s, peak_mb, gflops, peak_gflops. bench/bench.py puts PyTorch and JAX beside it.
#include "tools/Session.h"

#include "runtime/Safetensors.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <immintrin.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

namespace dlc {

using Clock = std::chrono::steady_clock;

namespace {

/// A training workload: its program (data from bench.safetensors beside it), or a product m x k x n.
struct Row {
  std::string name, program, forward;
  int64_t batch = 0, inputs = 0, outputs = 0; ///< outputs 0: labels of ten classes
  double flops = 0;                           ///< of a training step, or of the product
  int64_t m = 0, k = 0, n = 0;
};

} // namespace

static std::string mlpProgram(const std::string &layers, bool regression, int64_t batch, const std::string &optimizer,
                              int64_t inputs) {
  std::string field = regression ? "y: f32[1]" : "y: i64";
  return fmt::format(
      "model Net {{\n  layer net = Sequential({})\n  fn forward(x: f32[n, {}]) {{ net(x) }}\n}}\n"
      "data rows_of_noise: {{ x: f32[{}], {} }} = safetensors(\"bench.safetensors\")\n"
      "train run = Net() on rows_of_noise {{\n  minimize {}(run(x), y)\n  optimizer: {}\n  batch: {}\n  steps: 1\n}}\n",
      layers, inputs, inputs, field, regression ? "mse" : "cross_entropy", optimizer, batch);
}

static std::vector<Row> allRows() {
  std::vector<Row> rows;
  auto network = [&](const char *name, const std::string &layers, int64_t batch, std::vector<int64_t> widths,
                     bool regression, const char *optimizer) {
    Row row;
    row.name = name;
    row.program = mlpProgram(layers, regression, batch, optimizer, widths[0]);
    row.batch = batch;
    row.inputs = widths[0];
    row.outputs = regression ? widths.back() : 0;
    for (size_t i = 0; i + 1 < widths.size();
         ++i) // forward, weight gradient, and the data gradient but of the first layer
      row.flops += 2.0 * double(batch * widths[i] * widths[i + 1]) * (i == 0 ? 2 : 3);
    rows.push_back(row);
  };
  network("linear", "Linear(10, 50), relu, Linear(50, 1)", 32, {10, 50, 1}, true, "sgd(lr: 0.05)");
  network("mlp_small", "Linear(784, 128), relu, Linear(128, 10)", 64, {784, 128, 10}, false, "adam(lr: 1e-3)");
  network("mlp", "Linear(784, 512), relu, Linear(512, 256), relu, Linear(256, 10)", 128, {784, 512, 256, 10}, false,
          "adam(lr: 1e-3)");
  for (auto [m, k, n] : {std::tuple<int64_t, int64_t, int64_t>{512, 512, 512},
                         {1024, 1024, 1024},
                         {128, 784, 512},
                         {768, 128, 384},
                         {64, 128, 10},
                         {100, 77, 300}}) {
    Row row;
    bool square = m == k && k == n;
    row.name = square ? fmt::format("square_{}", m) : fmt::format("ragged_{}x{}x{}", m, n, k);
    row.program = "fn product(a: f32[m, k], b: f32[k, n]) -> f32[m, n] { a @ b }\n";
    row.m = m, row.k = k, row.n = n;
    row.flops = 2.0 * double(m * k * n);
    rows.push_back(row);
  }
  return rows;
}

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
  std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
  return times[times.size() / 2];
}

/// Aligned memory filled with noise (floats) or small labels (integers).
static std::shared_ptr<void> noise(size_t bytes, DType dtype) {
  auto arena = std::make_shared<Arena>(std::move(*Arena::allocate(bytes + 64)));
  uint64_t state = 88172645463325252ull;
  for (size_t i = 0; i < bytes / sizeOf(dtype); ++i) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    if (dtype == DType::F32)
      reinterpret_cast<float *>(arena->data())[i] = float(int64_t(state % 2001) - 1000) / 1000;
    else
      reinterpret_cast<int64_t *>(arena->data())[i] = int64_t(state % 10);
  }
  return std::shared_ptr<void>(arena, arena->data());
}

/// An entry function with its buffers, ready to be called again and again.
struct Call {
  std::unique_ptr<Compiled> compiled;
  std::shared_ptr<void> params, state, arena;
  std::vector<std::shared_ptr<void>> buffers;
  std::vector<void *> inputs, outputs;

  void operator()(ThreadPool &pool) {
    dlc_context context = pool.context();
    compiled->function.function(params.get(), state.get(), inputs.data(), outputs.data(), arena.get(), &context);
  }
};

/// Makes the buffers that a function needs; `shapes` are those of inputs and outputs, as types.
static Call prepare(std::unique_ptr<Compiled> compiled, const std::vector<std::pair<DType, size_t>> &inputs,
                    size_t outputBytes) {
  Call call;
  call.params = noise(compiled->paramBytes + 64, DType::F32);
  call.state = std::shared_ptr<void>(nullptr);
  auto zero = [](size_t bytes) {
    auto arena = std::make_shared<Arena>(std::move(*Arena::allocate(bytes + 64)));
    return std::shared_ptr<void>(arena, arena->data());
  };
  call.state = zero(compiled->stateBytes);
  call.arena = zero(compiled->function.arenaBytes);
  for (auto [dtype, bytes] : inputs) {
    call.buffers.push_back(noise(bytes, dtype));
    call.inputs.push_back(call.buffers.back().get());
  }
  for (size_t i = 0; i < compiled->outputs.size(); ++i) {
    call.buffers.push_back(zero(outputBytes));
    call.outputs.push_back(call.buffers.back().get());
  }
  call.compiled = std::move(compiled);
  return call;
}

static void writeData(const Row &row, const std::string &folder) {
  auto x = noise(size_t(row.batch * row.inputs) * 4, DType::F32);
  size_t labelBytes = size_t(row.batch) * (row.outputs ? size_t(row.outputs) * 4 : 8);
  auto y = noise(labelBytes, row.outputs ? DType::F32 : DType::I64);
  std::vector<int64_t> shape =
      row.outputs ? std::vector<int64_t>{row.batch, row.outputs} : std::vector<int64_t>{row.batch};
  std::vector<SafetensorsEntry> entries = {
      {"y", row.outputs ? DType::F32 : DType::I64, shape, {static_cast<char *>(y.get()), labelBytes}},
      {"x", DType::F32, {row.batch, row.inputs}, {static_cast<char *>(x.get()), size_t(row.batch * row.inputs) * 4}}};
  if (Result<void> written = writeSafetensors(folder + "/bench.safetensors", entries, {}); !written)
    std::fprintf(stderr, "error: %s\n", written.error().str().c_str());
}

/// Seconds from the start of a `dlc run` of one step to its end, and its peak memory.
static std::pair<double, double> firstStep(const std::string &tool, const std::string &program, int threads,
                                           const std::string &cpu) {
  std::string threadText = std::to_string(threads);
  std::vector<const char *> arguments = {tool.c_str(),       "run",   program.c_str(), "--threads",
                                         threadText.c_str(), "--cpu", cpu.c_str(),     nullptr};
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

static int bench(const Row &row, int threads, const std::string &cpu, double seconds, const std::string &self) {
  namespace fs = std::filesystem;
  fs::path folder = fs::temp_directory_path() / fmt::format("dlc-bench-{}", getpid());
  fs::create_directories(folder);
  std::string program = (folder / "bench.dl").string();
  std::FILE *file = std::fopen(program.c_str(), "w");
  std::fputs(row.program.c_str(), file);
  std::fclose(file);
  if (row.batch)
    writeData(row, folder.string());
  nlohmann::json line = {{"row", row.name}, {"threads", threads}, {"who", "dlc"}};
  int code = 1;
  {
    SessionOptions options;
    options.programFile = program;
    options.threads = threads;
    options.cpu = cpu;
    Result<std::unique_ptr<Session>> made = Session::create(options);
    if (!made) {
      std::fprintf(stderr, "error: %s\n", made.error().str().c_str());
      fs::remove_all(folder);
      return 1;
    }
    Session &session = **made;
    session.quiet = true;
    bool good = true;
    line["peak_gflops"] = measurePeak(session.compiler->target().avx512, *session.pool);
    if (row.batch) {
      std::optional<Call> step;
      session.onTrain = [&](const TrainPlan &, const TrainFunctions &functions) {
        std::unique_ptr<Compiled> compiled = session.compiler->compile(functions.step(row.batch));
        if (!compiled)
          return;
        size_t label = size_t(row.batch) * (row.outputs ? size_t(row.outputs) * 4 : 8);
        step = prepare(std::move(compiled),
                       {{DType::F32, size_t(row.batch * row.inputs) * 4},
                        {row.outputs ? DType::F32 : DType::I64, label},
                        {DType::I64, 8},
                        {DType::I64, 8}},
                       64);
        *static_cast<int64_t *>(step->inputs[2]) = 1;
      };
      session.runFile(program);
      good = step.has_value();
      if (good) {
        double us = medianMicroseconds([&] { (*step)(*session.pool); }, seconds);
        line["step_us"] = us;
        line["gflops"] = row.flops / us / 1e3;
      }
    }
    std::string entry = row.batch ? "Net.forward" : "product";
    std::map<std::string, int64_t> sizes =
        row.batch ? std::map<std::string, int64_t>{{"n", row.batch}}
                  : std::map<std::string, int64_t>{{"m", row.m}, {"k", row.k}, {"n", row.n}};
    if (!row.batch)
      session.runFile(program);
    if (good && session.diagnostics.errorCount() == 0) {
      Elaborator::EntryModule module = session.elaborator->entry(entry, sizes);
      std::unique_ptr<Compiled> compiled = session.compiler->compile(std::move(module.module));
      if (compiled) {
        std::vector<std::pair<DType, size_t>> inputs;
        if (row.batch)
          inputs = {{DType::F32, size_t(row.batch * row.inputs) * 4}};
        else
          inputs = {{DType::F32, size_t(row.m * row.k) * 4}, {DType::F32, size_t(row.k * row.n) * 4}};
        Call infer = prepare(std::move(compiled), inputs, size_t(row.batch ? row.batch * 1024 : row.m * row.n) * 4);
        double us = medianMicroseconds([&] { infer(*session.pool); }, seconds);
        line["infer_us"] = us;
        if (!row.batch) {
          line["step_us"] = us;
          line["gflops"] = row.flops / us / 1e3;
        }
        code = 0;
      }
    }
    std::fputs(session.diagnostics.render().c_str(), stderr);
  }
  if (code == 0 && row.batch) {
    auto [first, memory] = firstStep(fs::path(self).parent_path() / "dlc", program, threads, cpu);
    line["first_step_s"] = first;
    line["peak_mb"] = memory;
  }
  fs::remove_all(folder);
  if (code == 0)
    std::printf("%s\n", line.dump().c_str());
  return code;
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
  std::vector<std::string> rows;
  int threads = 1;
  std::string cpu = "host";
  double seconds = 1.0;
  bool list = false, forkJoin = false;
  app.add_option("--row,--rows", rows, "which workloads (all)")->delimiter(',');
  app.add_option("--threads", threads, "threads to compute with");
  app.add_option("--cpu", cpu, "generate code for this processor");
  app.add_option("--seconds", seconds, "time to measure each");
  app.add_flag("--list", list, "print the names of the workloads");
  app.add_flag("--fork-join", forkJoin, "time a fork and a join of two threads instead");
  CLI11_PARSE(app, argc, argv);
  if (forkJoin) {
    std::printf("%.2f us\n", dlc::forkJoin());
    return 0;
  }
  int code = 0;
  std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  for (const dlc::Row &row : dlc::allRows()) {
    if (list)
      std::printf("%s\n", row.name.c_str());
    else if (rows.empty() || std::find(rows.begin(), rows.end(), row.name) != rows.end() ||
             std::find(rows.begin(), rows.end(), row.name.substr(0, row.name.find('_'))) != rows.end())
      code |= dlc::bench(row, threads, cpu, seconds, self);
  }
  return code;
}

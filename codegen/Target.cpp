// What LLVM knows about processors, reduced to what the emitters need. Reads the processor's identification, no files.
#include "codegen/Target.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/X86TargetParser.h"

using namespace llvm;

namespace dlc {

/// Sets the width from a predicate on features. The widths that LLVM prefers by itself (256 bits on processors that were
/// slow to raise their clock again) are overruled: the emitters say what they want.
static void setWidth(Target &target, function_ref<bool(StringRef)> has) {
  target.avx512 = has("avx512bw") && has("avx512dq") && has("avx512vl");
  target.vectorBytes = target.avx512 ? 64 : 32;
  if (target.avx512)
    target.features += (target.features.empty() ? "" : ",") + std::string("-prefer-256-bit");
}

static bool supported(function_ref<bool(StringRef)> has) { return has("avx2") && has("fma"); }

Target Target::host() {
  Target target;
  target.cpu = sys::getHostCPUName().str();
  StringMap<bool> features = sys::getHostCPUFeatures();
  // In order, so that the text is the same in every run.
  std::vector<std::string> sorted;
  for (auto &feature : features)
    sorted.push_back((feature.second ? "+" : "-") + feature.first().str());
  llvm::sort(sorted, [](StringRef a, StringRef b) { return a.drop_front() < b.drop_front(); });
  target.features = llvm::join(sorted, ",");
  setWidth(target, [&](StringRef name) { return features.lookup(name); });
  return target;
}

Expected<Target> Target::named(StringRef cpu) {
  auto tooOld = [&](StringRef name) {
    return createStringError("processor `" + name + "` has no AVX2 and FMA; dlc needs both");
  };
  if (cpu == "host" || cpu == "native") {
    Target target = host();
    StringMap<bool> features = sys::getHostCPUFeatures();
    if (!supported([&](StringRef name) { return features.lookup(name); }))
      return tooOld(target.cpu);
    return target;
  }
  SmallVector<StringRef> names;
  X86::fillValidCPUArchList(names, /*Only64Bit=*/true);
  if (!is_contained(names, cpu)) {
    StringRef nearest = *llvm::min_element(names, [&](StringRef a, StringRef b) {
      return cpu.edit_distance_insensitive(a) < cpu.edit_distance_insensitive(b);
    });
    return createStringError("unknown processor `" + cpu + "`; did you mean `" + nearest + "`?");
  }
  SmallVector<StringRef> list;
  X86::getFeaturesForCPU(cpu, list);
  StringSet<> features;
  for (StringRef feature : list)
    features.insert(feature);
  auto has = [&](StringRef name) { return features.contains(name); };
  if (!supported(has))
    return tooOld(cpu);
  Target target;
  target.cpu = cpu.str();
  setWidth(target, has);
  return target;
}

bool Target::canRun() const {
  StringMap<bool> available = sys::getHostCPUFeatures();
  auto missing = [&](StringRef name) {
    auto found = available.find(name);
    return found != available.end() && !found->second;
  };
  if (missing("avx2") || missing("fma"))
    return false;
  // What the name stands for, unless the feature string takes it away (the host's own does, where a virtual machine hides
  // part of the processor).
  SmallVector<StringRef> names, needed;
  X86::fillValidCPUArchList(names, /*Only64Bit=*/true);
  if (is_contained(names, cpu))
    X86::getFeaturesForCPU(cpu, needed);
  StringSet<> without;
  for (StringRef feature : llvm::split(features, ','))
    if (feature.consume_front("-"))
      without.insert(feature);
  return llvm::none_of(needed, [&](StringRef name) { return missing(name) && !without.contains(name); });
}

} // namespace dlc

// The processor that code is generated for: its name and features for LLVM, the vector width that the emitters use, and
// the sizes of tiles and blocks measured for that width. The two widths (AVX2, AVX-512) are equals; sizes depend on the
// width alone, never on the caches at hand, so that the same target gives the same bits everywhere.
#pragma once

#include "mlir/IR/Types.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <string>

namespace dlc {

struct Target {
  /// LLVM's name of the processor ("znver5", "x86-64-v3") and its feature string ("+avx512f,...", may be empty).
  std::string cpu, features;
  /// Bytes of a native vector register: 32 or 64.
  int vectorBytes = 32;
  bool avx512 = false;

  /// How many elements of `element` (a signless integer or float type) fill a native vector.
  int lanes(mlir::Type element) const { return vectorBytes * 8 / static_cast<int>(element.getIntOrFloatBitWidth()); }

  /// Vector registers, and the tile of sums that a large product keeps in them.
  int registers() const { return avx512 ? 32 : 16; }
  int tileRows() const { return avx512 ? 8 : 6; }
  int tileVectors() const { return avx512 ? 3 : 2; }
  /// The length of a sum after which a product in f32 keeps partial sums in memory.
  int64_t depthBlock() const { return avx512 ? 1024 : 256; }
  /// Bytes of the second-level cache that a core can count on.
  int64_t l2Bytes() const { return avx512 ? 1 << 20 : 512 << 10; }
  /// Arithmetic of a core in f32 operations a nanosecond, roughly; for estimates of time alone.
  double peakGflops() const { return avx512 ? 220 : 100; }

  /// Whether this machine has every feature of the target.
  bool canRun() const;

  /// The machine that this process runs on; where it has no AVX2 and FMA, canRun() is false.
  static Target host();
  /// A processor by LLVM's name; "host" is the machine at hand. Fails for names that LLVM does not know (the message has
  /// the nearest one) and for processors without AVX2 and FMA.
  static llvm::Expected<Target> named(llvm::StringRef cpu);
};

} // namespace dlc

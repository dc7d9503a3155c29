// Checkpoints. FILE holds the parameters and buffers alone, under PyTorch's names and as dense row-major tensors, so
// that it loads there too. FILE.resume holds all that a run needs to go on as if it had not stopped: parameters,
// optimizer state
// (`optimizer/STATE.PARAM`) and the place in the run.
#pragma once

#include "runtime/Dataset.h"
#include "runtime/Result.h"
#include "runtime/TensorSlot.h"

#include <map>
#include <string>
#include <vector>

namespace dlc {

/// The tensors of a block.
struct SlotBlock {
  const std::vector<TensorSlot> &slots;
  void *block; ///< only read when saving
};

/// The state that averages of weights are (`ema`): it is one of a run, not of an optimizer.
inline constexpr const char *averageName = "moving average"; // no name of a user's

/// Tensors of another block that stand for some of a block, by their number there; rounded to its dtypes.
struct StandIns {
  std::map<size_t, const TensorSlot *> slots = {};
  const void *block = nullptr;
};

/// Where a run stands. Written to the metadata of FILE.resume, each number so that it reads back to the same bits.
struct RunPosition {
  int64_t epoch = 0;       ///< epochs finished
  int64_t stepInEpoch = 0; ///< steps done in the epoch that is under way
  int64_t step = 0;        ///< steps done in all
  uint64_t seed = 0;
  int64_t batch = 0;      ///< the batch size that stepInEpoch counts in,
  int64_t accumulate = 1; ///< and how many batches are a step
  bool hasBest = false;
  double best = 0;          ///< of the metric that decides what is best
  int64_t bestAt = 0;       ///< the epoch or step of the best, in the unit of `stop_after`
  int64_t sumExamples = 0;  ///< examples of the period under way
  std::vector<double> sums; ///< of the loss and the reports over these examples
  double seconds = 0;       ///< spent in the period under way
  int64_t rows = 0;         ///< of the data set that was trained on; 0: none, or not said
};

/// In the metadata: what the numbers of a field of the data stand for (Vocabulary::json).
inline const std::string vocabularyKey = "vocabulary.";
std::map<std::string, std::string> metadataOf(const Vocabularies &vocabularies);
/// Those that a file was saved with.
Result<Vocabularies> readVocabularies(const std::string &path);
/// Whether a file was saved with these vocabularies, `whose` they are, as far as fields of both have the same name: else
/// how they differ. A file that cannot be read is left to who loads it.
Result<void> checkVocabularies(const std::string &path, const Vocabularies &vocabularies, const std::string &whose);
/// The same for those that a file was saved with.
Result<void> checkVocabularies(const std::string &path, const Vocabularies &saved, const Vocabularies &vocabularies,
                               const std::string &whose);

/// Writes the parameters to `path`, atomically. `metadata` is kept with them.
Result<void> saveCheckpoint(const std::string &path, const SlotBlock &params,
                            const std::map<std::string, std::string> &metadata = {}, const StandIns &standIns = {});

/// Fills the parameters from `path`. Every slot must be in the file with its shape and a dtype that loses nothing, and
/// the file must hold nothing else (PyTorch's `num_batches_tracked` is passed over). Floating-point numbers of more digits
/// are rounded if they fit; `rounded` then says which. An error lists all that differs, with both shapes and the nearest
/// names; the block is then unchanged.
Result<void> loadCheckpoint(const std::string &path, const SlotBlock &params, std::string *rounded = nullptr);

/// Fills what fits by name and shape, and gives for all else, of both sides, why it does not. An error where nothing fits.
struct PartialLoad {
  std::vector<bool> filled; ///< of each slot
  std::vector<std::string> left;
  std::string rounded; ///< says which were rounded; "" for none
};
Result<PartialLoad> loadPartial(const std::string &path, const SlotBlock &params);

/// Writes and reads FILE.resume (`path` is the whole name). Errors as for loadCheckpoint, and nothing is rounded; the blocks
/// are then unchanged.
Result<void> saveResume(const std::string &path, const SlotBlock &params, const SlotBlock &state,
                        const RunPosition &position, const std::map<std::string, std::string> &metadata = {});
Result<RunPosition> loadResume(const std::string &path, const SlotBlock &params, const SlotBlock &state);

} // namespace dlc

// How many threads this process may really use: the affinity mask and the CPU quota of its control groups.
#pragma once

#include <string>
#include <vector>

namespace dlc {

/// CPUs of the affinity mask, at most those that the cgroup (v1 or v2) pays for; at least 1.
int availableThreads();
/// As many as asked for, or all that there are for 0.
inline int threadsOr(int asked) { return asked > 0 ? asked : availableThreads(); }

/// The CPU quota of a process, in whole CPUs (rounded up), or 0 when there is none. `procCgroup` is the text of
/// /proc/self/cgroup; the hierarchies are mounted below `root` (/sys/fs/cgroup). A group is limited by its ancestors
/// too.
int cgroupCpuLimit(const std::string &procCgroup, const std::string &root);

/// The folders that may hold limits of a controller ("cpu", "memory") for a process: its groups and their ancestors.
std::vector<std::string> cgroupFolders(const std::string &procCgroup, const std::string &root,
                                       const std::string &controller);

} // namespace dlc

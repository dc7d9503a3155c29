// The affinity mask and the CPU quota of control groups, v1 and v2. A container's own groups may be mounted as the root
// of the hierarchy, so a group's path is looked up from its full depth upwards and what is not there is passed over.
#include "runtime/AvailableThreads.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sched.h>
#include <sstream>
#include <thread>
#include <vector>

namespace dlc {

/// CPUs that a quota of so many microseconds a period pays for; 0 for no quota.
static int cpusOf(double quota, double period) {
  return quota > 0 && period > 0 ? std::max(1, int(std::ceil(quota / period - 1e-9))) : 0;
}

/// The limit of the one group in `folder`.
static int limitOfGroup(const std::string &folder) {
  double quota = 0, period = 0;
  std::string word;
  if (std::ifstream file{folder + "/cpu.max"}; file >> word >> period && word != "max")
    return cpusOf(std::atof(word.c_str()), period);
  std::ifstream quotaFile{folder + "/cpu.cfs_quota_us"}, periodFile{folder + "/cpu.cfs_period_us"};
  if (quotaFile >> quota && periodFile >> period)
    return cpusOf(quota, period);
  return 0;
}

std::vector<std::string> cgroupFolders(const std::string &procCgroup, const std::string &root,
                                       const std::string &controller) {
  std::vector<std::string> folders;
  std::istringstream lines{procCgroup};
  for (std::string line; std::getline(lines, line);) {
    // ID:CONTROLLERS:PATH, with no controllers in v2's line.
    size_t first = line.find(':'), second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos)
      continue;
    std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",", path = line.substr(second + 1);
    std::vector<std::string> mounts;
    if (controllers == ",,")
      mounts = {root, root + "/unified"};
    else if (controllers.find("," + controller + ",") != std::string::npos)
      mounts = {root + "/" + controller, root + "/" + controllers.substr(1, controllers.size() - 2)};
    for (const std::string &mount : mounts)
      for (std::string group = path;; group.resize(group.rfind('/'))) {
        while (!group.empty() && group.back() == '/')
          group.pop_back();
        folders.push_back(mount + group);
        if (group.find('/') == std::string::npos)
          break;
      }
  }
  return folders;
}

int cgroupCpuLimit(const std::string &procCgroup, const std::string &root) {
  int limit = 0;
  for (const std::string &folder : cgroupFolders(procCgroup, root, "cpu"))
    if (int cpus = limitOfGroup(folder); cpus > 0 && (limit == 0 || cpus < limit))
      limit = cpus;
  return limit;
}

int availableThreads() {
  int cpus = int(std::thread::hardware_concurrency());
  cpu_set_t mask;
  if (sched_getaffinity(0, sizeof mask, &mask) == 0)
    cpus = CPU_COUNT(&mask);
  std::ifstream file{"/proc/self/cgroup"};
  std::stringstream text;
  text << file.rdbuf();
  if (int limit = cgroupCpuLimit(text.str(), "/sys/fs/cgroup"); limit > 0)
    cpus = std::min(cpus, limit);
  return std::max(1, cpus);
}

} // namespace dlc

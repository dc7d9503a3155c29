# How lit runs test/: each file's RUN lines, with dlc's tools, FileCheck and `not` on the path.
# Substitutions: %shared %data (reference data beside the repository), %examples, and lit's own %s %S %t.
# Features: avx2 avx512 (this processor), golden data (the shared folders are there), fashion (Debian's data set is there),
# gnuplot (it is installed), pillow (python3-pil is, with %pillow, the Python that has it).
# Files under an Inputs folder are what tests read, not tests; messages/ has a script of its own.
import os
import shutil
import subprocess

import lit.formats

config.name = "dlc"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".dl", ".test", ".txt"]
config.excludes = ["Inputs", "unit", "golden", "messages", "CMakeLists.txt"]
# RUN lines do not quote %s and %t: where the repository's path has spaces, `./dev test` runs a copy elsewhere.
source = lit_config.params.get("copy", config.dlc_source)
config.test_source_root = os.path.join(source, "test")
config.test_exec_root = os.path.join(lit_config.params.get("copy", config.dlc_build), "test")
lit_config.maxIndividualTestTime = 120
lit_config.parallelism_groups["two"] = 2
config.parallelism_group = "two"

tools = [os.path.join(config.dlc_build, "bin"), config.llvm_tools]
config.environment["PATH"] = os.pathsep.join(tools + [config.environment["PATH"]])
# Nothing that a person has configured may change a result: no data folder, no history, no cache of theirs.
home = os.path.join(config.test_exec_root, "home")
os.makedirs(home, exist_ok=True)
config.environment["HOME"] = home
# Fewer digits than by default: the last ones depend on the order of sums, and that on the processor.
config.environment["DLC_DIGITS"] = "4"
config.environment["XDG_CACHE_HOME"] = os.path.join(home, "cache")

shared = os.path.normpath(os.path.join(config.dlc_source, "..", "shared"))


def quoted(path):
    """A path as one word of the shell."""
    return "'" + path + "'" if " " in path else path


config.substitutions.append(("%shared", quoted(shared)))
config.substitutions.append(("%data", quoted(os.path.join(shared, "data"))))
config.substitutions.append(("%examples", os.path.join(source, "examples")))


def processor_flags():
    """What the first processor of /proc/cpuinfo can do."""
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("flags"):
                return set(line.split(":")[1].split())
    return set()


flags = processor_flags()
if {"avx2", "fma"} <= flags:
    config.available_features.add("avx2")
if {"avx512f", "avx512dq", "avx512bw", "avx512vl"} <= flags:
    config.available_features.add("avx512")
for feature, folder in (
    ("golden", os.path.join(shared, "golden")),
    ("data", os.path.join(shared, "data")),
    ("fashion", "/usr/share/datasets/fashion-mnist"),
):
    if os.path.isdir(folder):
        config.available_features.add(feature)
if shutil.which("gnuplot"):
    config.available_features.add("gnuplot")

# A Python with Pillow and NumPy (Debian's python3-pil and python3-numpy), beside which pictures are checked.
for python in ("python3", "/usr/bin/python3"):
    if subprocess.run([python, "-c", "import PIL, numpy"], capture_output=True).returncode == 0:
        config.available_features.add("pillow")
        config.substitutions.append(("%pillow", python))
        break
else:
    lit_config.note("no test compares pictures with Pillow's: python3-pil and python3-numpy are not installed")

// Opens the sources of `data` declarations: idx, csv, npy, safetensors, cifar10, image_folder, spiral and moons. What
// comes out has exactly the declared fields, in the declared order, dtype and shape; whatever in the files does not fit is an error
// with its place.
#pragma once

#include "runtime/Dataset.h"
#include "runtime/Paths.h"

#include <map>
#include <variant>

namespace dlc {

/// An argument of a source: text, a number, a bool or a list of numbers.
using SourceValue = std::variant<std::string, double, bool, std::vector<double>>;

/// The arguments of a source, as the program gives them: `csv("a.csv")`, `idx(image: "a.gz", label: "b.gz")`.
struct SourceArguments {
  std::vector<SourceValue> positional;
  std::map<std::string, SourceValue> named;
  int threads = 0; ///< that read and decode; 0: as many as this process may use
};

/// Opens `kind(arguments)` for examples of `fields`:
///   idx(FIELD: "file", ...)       one IDX file for each field
///   csv("file")                   language.md, "Data"; a field of k numbers takes k columns
///   npy("file"), npy(FIELD: ...)  the first axis counts the examples
///   safetensors("file")           a tensor for each field; the first axis counts the examples
///   cifar10("pattern")            fields `image` (u8[3, 32, 32]) and `label`, in any number dtype that holds them
///   image_folder("folder", resize: [h, w])   PNG and JPEG, a subfolder a class; a picture, its class, its path (str)
///   text("file", window: n)       one field of n letters; rows overlap
///   text_folder("pattern", length: n, alphabet: "..")       letters of a line, and perhaps the class: the file's name
///   sentence_pairs("file", lengths: [n, m], vocab: k)       two fields of words
///   spiral(n:, noise:, seed:, classes:), moons(n:, noise:, seed:)   fields `x` (f32[2]) and `label`
/// An unknown kind or argument is an error with the nearest name.
Result<std::shared_ptr<const Dataset>> openSource(const std::string &kind, const SourceArguments &arguments,
                                                  const std::vector<FieldSpec> &fields, const SearchPaths &paths);

} // namespace dlc

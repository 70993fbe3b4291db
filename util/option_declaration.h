// An option, declared once beside the field that holds its value and its default: spellings, help, bounds.
// The command line, --help, the documentation, the check of a value and the note of a row in a database
// (provenance) follow from it.
#pragma once

#include <sstream>
#include <string>

#include "util/bounds.h"

namespace colmatch {

// The first of an option's spellings, which are separated by commas: its name.
inline std::string FirstSpelling(const std::string& names) { return names.substr(0, names.find(',')); }

template <typename T>
struct Declaration {
  const char* names;  // "--SuperPoint.nms_radius"; several as FirstSpelling takes them
  const char* help;
  Bounds<T> bounds = Bounds<T>::Any();

  std::string name() const { return FirstSpelling(names); }
  // Throws UsageError, "--SuperPoint.nms_radius must be in [0, 64] pixels, found 65".
  void Require(T value) const { bounds.Require(name(), value); }
  // " nms_radius 4": what a provenance says of a value.
  std::string Note(T value) const {
    const std::string full = name();
    const size_t dot = full.find_last_of(".-");
    std::ostringstream text;
    text << ' ' << full.substr(dot + 1) << ' ' << value;
    return text.str();
  }
};

}  // namespace colmatch

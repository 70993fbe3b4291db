// The extension module colmatch._native. It includes no LibTorch header: pybind11's own copies in LibTorch's
// folder do not get in the way, and the file compiles in seconds. NumPy's arrays come and go by the buffer
// protocol, so that any version of NumPy fits.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <optional>

#include "plugin/commands/program.h"
#include "plugin/runtime/weights_location.h"
#include "python/native/background_call.h"
#include "python/native/commands.h"
#include "python/native/feature_import.h"
#include "python/native/sessions.h"
#include "util/error.h"

namespace py = pybind11;

namespace colmatch {
namespace {

// A vector that Python sees as a buffer.
template <typename T>
struct Array {
  std::vector<T> values;
  std::vector<py::ssize_t> shape;
};

template <typename T>
void DefineArray(py::module_& module, const char* name) {
  py::class_<Array<T>>(module, name, py::buffer_protocol()).def_buffer([](Array<T>& array) {
    std::vector<py::ssize_t> strides(array.shape.size(), sizeof(T));
    for (size_t i = array.shape.size(); i-- > 1;) strides[i - 1] = strides[i] * array.shape[i];
    // An empty vector may have no address, which NumPy does not take.
    static T nothing{};
    return py::buffer_info(array.values.empty() ? &nothing : array.values.data(), sizeof(T),
                           py::format_descriptor<T>::format(), static_cast<py::ssize_t>(array.shape.size()),
                           array.shape, strides);
  });
}

template <typename T>
Array<T> ToArray(std::vector<T> values, std::vector<py::ssize_t> shape) {
  return {std::move(values), std::move(shape)};
}

// A C-contiguous buffer of floats; the Python side sees to type and layout.
std::vector<float> Floats(const py::buffer& buffer) {
  const py::buffer_info info = buffer.request();
  const auto* begin = static_cast<const float*>(info.ptr);
  return {begin, begin + info.size};
}

using SharedFeatures = std::shared_ptr<FeatureArrays>;

SharedFeatures MakeFeatures(const py::buffer& keypoints, const py::buffer& scores,
                            const py::buffer& descriptors, const py::buffer& scales, int width, int height,
                            int quarter_turns) {
  auto features = std::make_shared<FeatureArrays>();
  const py::buffer_info info = descriptors.request();
  features->num_keypoints = info.shape.at(0);
  features->descriptor_dim = info.shape.at(1);
  features->width = width;
  features->height = height;
  features->quarter_turns = quarter_turns;
  features->keypoints = Floats(keypoints);
  features->scores = Floats(scores);
  features->descriptors = Floats(descriptors);
  features->scales = Floats(scales);
  return features;
}

py::dict ToDict(FeatureArrays features) {
  const auto n = static_cast<py::ssize_t>(features.num_keypoints);
  py::dict dict;
  dict["keypoints"] = ToArray(std::move(features.keypoints), {n, 2});
  dict["scores"] = ToArray(std::move(features.scores), {n});
  dict["descriptors"] =
      ToArray(std::move(features.descriptors), {n, static_cast<py::ssize_t>(features.descriptor_dim)});
  dict["scales"] = ToArray(std::move(features.scales), {n});
  dict["image_size"] = py::make_tuple(features.width, features.height);
  dict["quarter_turns"] = features.quarter_turns;
  return dict;
}

py::tuple ToTuple(MatchArrays matches) {
  const auto m = static_cast<py::ssize_t>(matches.scores.size());
  return py::make_tuple(ToArray(std::move(matches.matches), {m, 2}), ToArray(std::move(matches.scores), {m}));
}

py::dict ToDict(const SessionInfo& info) {
  py::dict dict;
  dict["device"] = info.device;
  dict["precision"] = info.precision;
  dict["weights_sha256"] = info.weights_sha256;
  dict["descriptor_dim"] = info.descriptor_dim;
  return dict;
}

py::dict ToDict(const OptionInfo& info) {
  py::dict dict;
  dict["name"] = info.name;
  dict["aliases"] = info.aliases;
  dict["default"] = info.default_value;
  dict["type"] = info.type;
  dict["help"] = info.help;
  dict["required"] = info.required;
  dict["hidden"] = info.hidden;
  return dict;
}

py::dict ExtractPixels(ExtractorSession& session, const py::buffer& image) {
  const py::buffer_info info = image.request();
  PixelArray pixels;
  pixels.data = info.ptr;
  pixels.is_float = info.itemsize == sizeof(float);
  pixels.height = static_cast<int>(info.shape.at(0));
  pixels.width = static_cast<int>(info.shape.at(1));
  pixels.channels = info.ndim == 3 ? static_cast<int>(info.shape.at(2)) : 1;
  FeatureArrays features;
  {
    const py::gil_scoped_release release;
    features = session.ExtractPixels(pixels);
  }
  return ToDict(std::move(features));
}

void Show(const CallEvents& events, const py::object& observer) {
  for (const ProgressEvent& event : events.progress)
    observer.attr("on_progress")(event.label, event.done, event.total);
  for (const LogEvent& event : events.log)
    observer.attr("on_log")(event.is_warning, py::bytes(event.message));
}

// Waits for the call; shows its events by the observer; a signal of Python's (Ctrl-C) or an exception of the
// observer's stops it and is raised once it has ended.
CallResults Watch(BackgroundCall& call, const py::object& observer) {
  constexpr auto kInterval = std::chrono::milliseconds(50);
  std::exception_ptr interruption;
  for (bool ended = false; !ended;) {
    {
      const py::gil_scoped_release release;
      ended = call.WaitFor(kInterval);
    }
    try {
      Show(call.TakeEvents(), observer);
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    } catch (...) {
      if (!interruption) interruption = std::current_exception();
      call.Stop();
    }
  }
  if (interruption) std::rethrow_exception(interruption);
  return call.Results();
}

py::list ToList(const std::vector<std::pair<std::string, std::string>>& skipped) {
  py::list list;
  for (const auto& [name, reason] : skipped) list.append(py::make_tuple(py::bytes(name), py::bytes(reason)));
  return list;
}

py::tuple Run(const std::vector<std::string>& arguments, const py::object& observer) {
  int status = 0;
  CallResults results;
  {
    BackgroundCall call([&] { status = RunInProcess(arguments); });
    results = Watch(call, observer);
  }
  return py::make_tuple(status, results.counts, ToList(results.skipped));
}

py::list MatchPairs(MatcherSession& session, const std::vector<SharedFeatures>& features,
                    const std::vector<std::pair<int64_t, int64_t>>& pairs, const py::object& observer) {
  std::vector<MatchArrays> matches;
  const std::vector<std::shared_ptr<const FeatureArrays>> inputs(features.begin(), features.end());
  {
    BackgroundCall call([&] { matches = session.MatchPairs(inputs, pairs); });
    Watch(call, observer);
  }
  py::list list;
  for (MatchArrays& pair : matches) list.append(ToTuple(std::move(pair)));
  return list;
}

py::tuple Import(const std::vector<std::string>& arguments,
                 const std::vector<std::pair<std::string, SharedFeatures>>& photos,
                 const std::string& provenance, const py::object& observer) {
  ImportedFeatures imported;
  const std::vector<std::pair<std::string, std::shared_ptr<const FeatureArrays>>> inputs(photos.begin(),
                                                                                         photos.end());
  {
    BackgroundCall call([&] { imported = ImportFeatures(arguments, inputs, provenance); });
    Watch(call, observer);
  }
  return py::make_tuple(imported.imported, imported.already_there, ToList(imported.skipped));
}

// The classes of colmatch.errors, by exit status.
void TranslateErrors(std::exception_ptr error) {
  const auto raise = [](const char* name, const std::string& message) {
    const py::object type = py::module_::import("colmatch.errors").attr(name);
    const auto text = py::reinterpret_steal<py::object>(
        PyUnicode_DecodeUTF8(message.data(), static_cast<Py_ssize_t>(message.size()), "backslashreplace"));
    PyErr_SetObject(type.ptr(), text.ptr());
  };
  constexpr const char* kByStatus[] = {"Error", "UsageError", "InputError", "EnvironmentError",
                                       "WeightsError"};
  try {
    std::rethrow_exception(error);
  } catch (const Error& e) {
    raise(kByStatus[e.exit_status() >= 1 && e.exit_status() <= 4 ? e.exit_status() : 0], e.what());
  } catch (const std::bad_alloc&) {
    throw;  // pybind11 makes a MemoryError of it
  } catch (const py::error_already_set&) {
    throw;
  } catch (const py::builtin_exception&) {
    throw;
  } catch (const std::exception& e) {
    raise("EnvironmentError", e.what());
  }
}

using Released = py::call_guard<py::gil_scoped_release>;

void DefineSessions(py::module_& module) {
  py::class_<FeatureArrays, SharedFeatures>(module, "FeatureArrays").def(py::init(&MakeFeatures));
  py::class_<ExtractorSession>(module, "ExtractorSession")
      .def(py::init<const std::vector<std::string>&>(), Released())
      .def("extract_file",
           [](ExtractorSession& session, const std::string& path) {
             FeatureArrays features;
             {
               const py::gil_scoped_release release;
               features = session.ExtractFile(path);
             }
             return ToDict(std::move(features));
           })
      .def("extract_pixels", &ExtractPixels)
      .def("info", [](const ExtractorSession& session) { return ToDict(session.info()); });
  py::class_<MatcherSession>(module, "MatcherSession")
      .def(py::init<const std::vector<std::string>&>(), Released())
      .def("match",
           [](MatcherSession& session, const SharedFeatures& features0, const SharedFeatures& features1) {
             MatchArrays matches;
             {
               const py::gil_scoped_release release;
               matches = session.Match(*features0, *features1);
             }
             return ToTuple(std::move(matches));
           })
      .def("match_pairs", &MatchPairs)
      .def("info", [](const MatcherSession& session) { return ToDict(session.info()); });
}

}  // namespace

PYBIND11_MODULE(_native, module) {
  module.doc() = "colmatch's C++ side; use the package colmatch.";
  py::register_exception_translator(&TranslateErrors);
  DefineArray<float>(module, "FloatArray");
  DefineArray<int64_t>(module, "IntArray");
  DefineSessions(module);
  module.def("run", &Run);
  module.def("import_features", &Import);
  module.def("describe_command", &DescribeCommand);
  module.def("describe_options", [](const std::string& command) {
    py::list list;
    for (const OptionInfo& info : DescribeOptions(command)) list.append(ToDict(info));
    return list;
  });
  module.def("add_weights_folder", &AddWeightsFolder);
  module.def("resolve_weights", [](const std::string& name) {
    const WeightsPaths paths = ResolveWeights(name);
    return py::make_tuple(py::bytes(paths.superpoint), py::bytes(paths.superglue));
  });
  KeepFreedMemory();
}

}  // namespace colmatch

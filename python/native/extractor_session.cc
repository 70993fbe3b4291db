// Features of images in Python's memory; see sessions.h.
#include <torch/torch.h>

#include <mutex>
#include <opencv2/imgproc.hpp>

#include "matcher/devices.h"
#include "plugin/extraction/photo_extractor.h"
#include "python/native/session_options.h"
#include "python/native/sessions.h"
#include "util/error.h"

namespace colmatch {
namespace {

std::vector<float> ToVector(const torch::Tensor& tensor) {
  const auto values = tensor.to(torch::kCPU, torch::kFloat32).contiguous();
  const float* begin = values.data_ptr<float>();
  return {begin, begin + values.numel()};
}

FeatureArrays ToArrays(const Features& features, int quarter_turns) {
  FeatureArrays arrays;
  arrays.num_keypoints = features.size();
  arrays.descriptor_dim = features.descriptors.size(0);
  arrays.width = features.width;
  arrays.height = features.height;
  arrays.quarter_turns = quarter_turns;
  arrays.keypoints = ToVector(features.keypoints);
  arrays.scores = ToVector(features.scores);
  arrays.descriptors = ToVector(features.descriptors.t());
  arrays.scales = features.scales.defined()
                      ? ToVector(features.scales)
                      : std::vector<float>(static_cast<size_t>(arrays.num_keypoints), 1.0f);
  return arrays;
}

// CV_8U, or CV_32F in [0, 1]. The pixels stay Python's where they are grey.
cv::Mat GrayOf(const PixelArray& pixels) {
  const int type = CV_MAKETYPE(pixels.is_float ? CV_32F : CV_8U, pixels.channels);
  const cv::Mat image(pixels.height, pixels.width, type, const_cast<void*>(pixels.data));
  if (pixels.channels == 1) return image;
  cv::Mat gray;
  cv::cvtColor(image, gray, cv::COLOR_RGB2GRAY);
  return gray;
}

}  // namespace

struct ExtractorSession::State {
  explicit State(const std::vector<std::string>& arguments) {
    ParseSessionOptions(arguments, options);
    const ThreadsInUse threads(NumWorkers(options.common));
    device = DeviceFromName(options.common.device);
    pipeline = options.extraction.Resolve();
    extractor = std::make_unique<PhotoExtractor>(pipeline, options.common, *device);
  }

  FeatureArrays Extract(const Photo& photo) {
    const ThreadsInUse threads(NumWorkers(options.common));
    return ToArrays(extractor->Extract(photo), photo.quarter_turns);
  }

  SessionOptions options;
  FeaturePipelineOptions pipeline;
  std::optional<torch::Device> device;
  std::unique_ptr<PhotoExtractor> extractor;
  std::mutex mutex;
};

ExtractorSession::ExtractorSession(const std::vector<std::string>& arguments)
    : state_(std::make_unique<State>(arguments)) {}

ExtractorSession::~ExtractorSession() = default;

FeatureArrays ExtractorSession::ExtractFile(const std::string& path) {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  const Photo photo = state_->extractor->Read(path);
  if (!photo.error.empty()) throw InputError(photo.error);
  return state_->Extract(photo);
}

FeatureArrays ExtractorSession::ExtractPixels(const PixelArray& pixels) {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  Photo photo;
  photo.width = pixels.width;
  photo.height = pixels.height;
  photo.resized = ResizeForNetwork(GrayOf(pixels), state_->pipeline.max_image_size);
  return state_->Extract(photo);
}

SessionInfo ExtractorSession::info() const {
  const FeatureExtractor& network = state_->extractor->network();
  return {state_->device->str(), NameOf(network.precision()), network.weights().sha256,
          network.descriptor_dim()};
}

}  // namespace colmatch

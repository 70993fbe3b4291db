// Which images look alike: a descriptor of a whole image made of its local descriptors, and the images
// nearest to one of a collection.
//
// VLAD (Jegou et al., CVPR 2010): every local descriptor x goes to the nearest of K words c and leaves its
// residual x - c there; an image is the K sums. As in "All about VLAD" (Arandjelovic and Zisserman, CVPR
// 2013) each sum is brought to length 1, so that a texture that fills a photo counts no more than others;
// then the signed square root is taken of every value (Jegou and Chum, ECCV 2012).
//
// Everything is computed in integers (as int or as float32 below 2^24, where sums are exact in any order):
// the same descriptors and seed give the same bytes with any number of threads and on any CPU.
//
// Sizes: a vocabulary has K x D floats; an image K x D bytes, with 64 words 16 KiB for descriptors of 256
// channels, 4 KiB for 64. An index of N images is N times that, and no step needs N x N.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

namespace colmatch {

struct VocabularyOptions {
  int num_words = 64;  // K; fewer where the sample has fewer than 16 descriptors a word
  int num_iterations = 15;
  uint64_t seed = 0;

  void Validate() const;  // throws UsageError
};

// Words of local descriptors, in steps of kDescriptorScale.
struct Vocabulary {
  torch::Tensor words;  // (K, D) float32 integers

  int64_t image_size() const { return words.numel(); }  // bytes of an image's descriptor
};

// k-means from seeds spread as k-means++ does. descriptors: (D, M) float32 unit columns, a sample of the
// collection's; M may be 0.
Vocabulary TrainVocabulary(const torch::Tensor& descriptors, const VocabularyOptions& options);

// descriptors: (D, N) float32 unit columns in any order. Returns (K D) int8, VLAD to scale; zeros for N = 0.
// Throws InputError where D is not the vocabulary's.
torch::Tensor DescribeImage(const torch::Tensor& descriptors, const Vocabulary& vocabulary);

struct Neighbor {
  int image = 0;
  float similarity = 0;  // cosine
};

class ImageIndex {
 public:
  // For images 0 to num_images - 1, each with so many bytes; until they are set they have no neighbours.
  ImageIndex(int num_images, int64_t image_size);

  // descriptor: of DescribeImage.
  void Set(int image, const torch::Tensor& descriptor);

  // For each of `images` the k others of the index that are most similar, best first, equal ones by index;
  // all of them where there are fewer. Images without keypoints have no neighbours and are nobody's.
  std::vector<std::vector<Neighbor>> Nearest(const std::vector<int>& images, int k) const;

  int size() const { return static_cast<int>(inverse_norms_.size()); }

 private:
  void AddCandidates(const torch::Tensor& dots, const std::vector<int>& images, int first, int k,
                     std::vector<std::vector<Neighbor>>& nearest) const;

  torch::Tensor descriptors_;         // (N, K D) int8
  std::vector<float> inverse_norms_;  // 0: no descriptor
};

}  // namespace colmatch

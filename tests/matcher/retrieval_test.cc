// Properties of image descriptors and of the search among them.
#include "matcher/retrieval.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <set>

#include "tests/random_features.h"
#include "util/error.h"

namespace colmatch {
namespace {

constexpr int64_t kDim = 32;

torch::Tensor Descriptors(int64_t n, int64_t d = kDim) { return RandomFeatures(n, d).descriptors; }

VocabularyOptions Words(int num_words, uint64_t seed = 0) {
  VocabularyOptions options;
  options.num_words = num_words;
  options.seed = seed;
  return options;
}

// Images of two scenes in turn, each with the same keypoints seen a little differently.
std::vector<torch::Tensor> TwoScenes(int num_images) {
  const auto a = Descriptors(60), b = Descriptors(60);
  std::vector<torch::Tensor> images;
  for (int i = 0; i < num_images; ++i) {
    const auto seen = (i % 2 == 0 ? a : b) + 0.05 * torch::randn({kDim, 60});
    images.push_back(seen / seen.norm(2, 0, /*keepdim=*/true));
  }
  return images;
}

ImageIndex IndexOf(const std::vector<torch::Tensor>& images, const Vocabulary& vocabulary) {
  ImageIndex index(static_cast<int>(images.size()), vocabulary.image_size());
  for (size_t i = 0; i < images.size(); ++i)
    index.Set(static_cast<int>(i), DescribeImage(images[i], vocabulary));
  return index;
}

std::vector<int> Numbers(int n) {
  std::vector<int> numbers;
  for (int i = 0; i < n; ++i) numbers.push_back(i);
  return numbers;
}

double Cosine(const torch::Tensor& a, const torch::Tensor& b) {
  const auto x = a.to(torch::kDouble), y = b.to(torch::kDouble);
  return (x.dot(y) / (x.norm() * y.norm())).item<double>();
}

TEST(TrainVocabulary, WordsAreTheMiddlesOfGroupsOfDescriptors) {
  const auto centres = Descriptors(5);
  const auto near = centres.repeat({1, 40}) + 0.01 * torch::randn({kDim, 200});
  const auto words = TrainVocabulary(near / near.norm(2, 0, true), Words(5)).words / 2047;
  ASSERT_EQ(words.sizes(), (torch::IntArrayRef{5, kDim}));
  const auto similarity = torch::mm(words, centres);  // (5, 5)
  EXPECT_GT(std::get<0>(similarity.max(0)).min().item<float>(), 0.99) << "a group has no word";
}

TEST(TrainVocabulary, IsTheSameWithAnyNumberOfThreads) {
  const auto sample = Descriptors(3000);
  const int threads = torch::get_num_threads();
  std::vector<torch::Tensor> words;
  for (const int n : {1, 2, 3}) {
    torch::set_num_threads(n);
    words.push_back(TrainVocabulary(sample, Words(20, 7)).words);
  }
  torch::set_num_threads(threads);
  EXPECT_TRUE(words[0].equal(words[1]) && words[0].equal(words[2]));
  EXPECT_FALSE(words[0].equal(TrainVocabulary(sample, Words(20, 8)).words)) << "the seed has no effect";
}

TEST(TrainVocabulary, AFewOrEqualDescriptorsGiveFewWords) {
  for (const int64_t n : {0, 1, 2, 31, 32, 200}) {
    const auto words = TrainVocabulary(Descriptors(n), Words(64)).words;
    EXPECT_EQ(words.size(0), std::max<int64_t>(1, n / 16)) << n;
    EXPECT_EQ(words.size(1), kDim);
  }
  EXPECT_EQ(TrainVocabulary(Descriptors(1).repeat({1, 500}), Words(64)).words.size(0), 1);
}

TEST(TrainVocabulary, WordCountsOutOfRangeAreRefused) {
  for (const int n : {-1, 0, 513}) EXPECT_THROW(TrainVocabulary(Descriptors(100), Words(n)), UsageError);
}

TEST(DescribeImage, HasTheSizeThatTheHeaderSaysForAnyChannels) {
  for (const int64_t d : {1, 64, 256}) {
    const auto vocabulary = TrainVocabulary(Descriptors(400, d), Words(8));
    const auto image = DescribeImage(Descriptors(50, d), vocabulary);
    EXPECT_EQ(image.scalar_type(), torch::kChar);
    EXPECT_EQ(image.numel(), vocabulary.words.size(0) * d);
  }
}

TEST(DescribeImage, FillsItsBytesUpToTheLengthThatKeepsSumsExact) {
  const auto vocabulary = TrainVocabulary(Descriptors(1500, 256), Words(64));
  for (const int64_t n : {1, 40, 2000}) {
    const auto image = DescribeImage(Descriptors(n, 256), vocabulary).to(torch::kDouble);
    const auto length = image.norm().item<double>(), largest = image.abs().max().item<double>();
    EXPECT_LT(length * length, 1 << 24) << n;
    EXPECT_TRUE(largest == 127 || length > 3800) << n << ": " << largest << ", " << length;
  }
}

TEST(DescribeImage, DoesNotDependOnTheOrderOfKeypoints) {
  const auto vocabulary = TrainVocabulary(Descriptors(2000), Words(16));
  const auto descriptors = Descriptors(300);
  const auto image = DescribeImage(descriptors, vocabulary);
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(image.equal(DescribeImage(descriptors.index_select(1, torch::randperm(300)), vocabulary)));
  }
}

TEST(DescribeImage, OfNoKeypointIsZeroAndOfOneIsNot) {
  const auto vocabulary = TrainVocabulary(Descriptors(500), Words(16));
  EXPECT_EQ(DescribeImage(Descriptors(0), vocabulary).count_nonzero().item<int64_t>(), 0);
  EXPECT_GT(DescribeImage(Descriptors(1), vocabulary).count_nonzero().item<int64_t>(), 0);
}

TEST(DescribeImage, RefusesDescriptorsOfOtherSize) {
  const auto vocabulary = TrainVocabulary(Descriptors(500), Words(16));
  EXPECT_THROW(DescribeImage(Descriptors(5, kDim + 1), vocabulary), InputError);
}

TEST(DescribeImage, AnImageIsMoreLikeANoisyCopyOfItselfThanLikeAnother) {
  const auto vocabulary = TrainVocabulary(Descriptors(2000), Words(16));
  const Features features = RandomFeatures(200, kDim);
  const auto image = DescribeImage(features.descriptors, vocabulary);
  const auto copy = DescribeImage(Shuffled(features, 0.03).descriptors, vocabulary);
  const auto other = DescribeImage(Descriptors(200), vocabulary);
  EXPECT_NEAR(Cosine(image, image), 1, 1e-9);
  EXPECT_GT(Cosine(image, copy), 0.7);
  EXPECT_LT(Cosine(image, other), 0.4);
}

TEST(ImageIndex, FindsWhatComparingEveryPairFinds) {
  constexpr int kImages = 600;  // more than one block of a matrix product
  const auto images = TwoScenes(kImages);
  const auto vocabulary = TrainVocabulary(torch::cat(images, 1), Words(8));
  const auto nearest = IndexOf(images, vocabulary).Nearest(Numbers(kImages), 7);
  std::vector<torch::Tensor> rows;
  for (const auto& image : images) rows.push_back(DescribeImage(image, vocabulary).to(torch::kDouble));
  const auto all = torch::stack(rows);
  const auto unit = all / all.norm(2, 1, true);
  const auto cosines = torch::mm(unit, unit.t()).fill_diagonal_(-2);
  const auto best = std::get<0>(cosines.topk(7, 1));
  for (int i = 0; i < kImages; ++i) {
    const auto& found = nearest[static_cast<size_t>(i)];
    ASSERT_EQ(found.size(), 7u);
    for (int k = 0; k < 7; ++k) {
      const Neighbor& other = found[static_cast<size_t>(k)];
      EXPECT_NE(other.image, i);
      EXPECT_NEAR(other.similarity, best[i][k].item<double>(), 1e-5);
      EXPECT_NEAR(cosines[i][other.image].item<double>(), best[i][k].item<double>(), 1e-5);
    }
  }
}

TEST(ImageIndex, ImagesOfOneSceneFindEachOther) {
  const auto images = TwoScenes(20);
  const auto vocabulary = TrainVocabulary(torch::cat(images, 1), Words(8));
  const auto nearest = IndexOf(images, vocabulary).Nearest(Numbers(20), 9);
  for (int i = 0; i < 20; ++i) {
    for (const Neighbor& other : nearest[static_cast<size_t>(i)]) EXPECT_EQ(other.image % 2, i % 2) << i;
  }
}

TEST(ImageIndex, MoreThanThereAreGivesAllOthers) {
  const auto images = TwoScenes(5);
  const auto vocabulary = TrainVocabulary(torch::cat(images, 1), Words(4));
  const auto nearest = IndexOf(images, vocabulary).Nearest({3, 0}, 100);
  ASSERT_EQ(nearest.size(), 2u);
  std::set<int> others;
  for (const Neighbor& other : nearest[0]) others.insert(other.image);
  EXPECT_EQ(others, (std::set<int>{0, 1, 2, 4}));
}

TEST(ImageIndex, EqualImagesComeByTheirNumber) {
  const auto vocabulary = TrainVocabulary(Descriptors(500), Words(8));
  const auto image = DescribeImage(Descriptors(30), vocabulary);
  ImageIndex index(400, vocabulary.image_size());
  for (int i = 0; i < 400; ++i) index.Set(i, image);
  const auto nearest = index.Nearest({2}, 4)[0];
  std::vector<int> found;
  for (const Neighbor& other : nearest) found.push_back(other.image);
  EXPECT_EQ(found, (std::vector<int>{0, 1, 3, 4}));
}

TEST(ImageIndex, ImagesWithoutKeypointsHaveNoNeighboursAndAreNobodys) {
  auto images = TwoScenes(6);
  images[2] = torch::zeros({kDim, 0});
  const auto vocabulary = TrainVocabulary(torch::cat(images, 1), Words(4));
  const auto nearest = IndexOf(images, vocabulary).Nearest(Numbers(6), 10);
  EXPECT_TRUE(nearest[2].empty());
  for (const int i : {0, 1, 3, 4, 5}) EXPECT_EQ(nearest[static_cast<size_t>(i)].size(), 4u) << i;
}

TEST(ImageIndex, OfNothingFindsNothing) {
  const auto vocabulary = TrainVocabulary(torch::zeros({0, 0}), Words(4));
  EXPECT_TRUE(ImageIndex(0, vocabulary.image_size()).Nearest({}, 3).empty());
  EXPECT_TRUE(ImageIndex(2, vocabulary.image_size()).Nearest({0}, 3)[0].empty());
}

}  // namespace
}  // namespace colmatch

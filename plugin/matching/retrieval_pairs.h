// Pairs of images that look alike, by the image descriptors of matcher/retrieval.h: `colmatch
// retrieval_matcher`, `vocab_tree_matcher`, and the loops of a sequence.
//
// Local descriptors are read from the database image by image; what stays is one image descriptor each.
#pragma once

#include <string>
#include <vector>

#include "matcher/retrieval.h"
#include "plugin/pairs/pair_source.h"
#include "plugin/runtime/common_options.h"

namespace colmatch {

struct MatchingPipelineOptions;  // plugin/matching/matching_pipeline.h
struct MatchingPipelineStats;
struct SkippedInput;  // plugin/extraction/feature_pipeline.h

// How the collection is made searchable.
struct ImageIndexOptions {
  int num_words = 64;  // of the vocabulary; an image takes so many times the descriptors' channels, bytes
  int max_num_features = -1;  // the strongest of each image; below 1: all
};

struct RetrievalOptions {
  ImageIndexOptions index;
  int num_images = 100;         // others that an image is matched with
  std::string match_list_path;  // names of the images that look for others, one a line; empty: all do
};

struct LoopDetectionOptions {
  ImageIndexOptions index;
  int period = 10;      // every so many images one looks for others
  int num_images = 50;  // that it is matched with
};

// Indices of the images that a list names; COLMAP's form: a name a line, # for remarks. Names that are not
// there are added to skipped. Throws UsageError where the list cannot be read or names none.
std::vector<int> ReadQueries(const std::string& path, const std::vector<Image>& images,
                             std::vector<SkippedInput>& skipped);

// The num_images most similar ones of each of `queries` (indices into images), best first. The rest as below;
// fewer lists than queries where it ends early.
std::vector<std::vector<Neighbor>> NeighborsByLook(ColmapDatabase& database, const std::vector<Image>& images,
                                                   const std::vector<int>& queries,
                                                   const ImageIndexOptions& options, int num_images,
                                                   const CommonOptions& common);

// Each of `queries` (indices into images) with its num_images most similar ones; first < second, in order,
// none twice. images: as a PairSourceMaker gets them. Ends early, with what there is, where StopRequested().
// The seed is common's. Throws UsageError for options that make no sense or features that were not made by
// colmatch, InputError for descriptors of different sizes.
std::vector<ImagePair> PairsByLook(ColmapDatabase& database, const std::vector<Image>& images,
                                   const std::vector<int>& queries, const ImageIndexOptions& options,
                                   int num_images, const CommonOptions& common);

// The same of every image.
std::vector<ImagePair> PairsByLook(ColmapDatabase& database, const std::vector<Image>& images,
                                   const RetrievalOptions& options, const CommonOptions& common);

// The loops of a sequence: PairsByLook of every period-th image. sequence: indices into images in the order
// they were taken. Neighbours in the sequence are among the pairs, and in COLMAP's too.
std::vector<ImagePair> LoopPairs(ColmapDatabase& database, const std::vector<Image>& images,
                                 const std::vector<int>& sequence, const LoopDetectionOptions& options,
                                 const CommonOptions& common);

// MatchPairs of PairsByLook. Names of the list that are no images with features are among the skipped.
MatchingPipelineStats MatchByRetrieval(const MatchingPipelineOptions& matching,
                                       const RetrievalOptions& retrieval, const CommonOptions& common);

}  // namespace colmatch

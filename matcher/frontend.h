// The front end for other programs, in one header: a grey image to features, two sets of features to matches.
#pragma once

#include "matcher/feature_extractor.h"
#include "matcher/matched_list.h"
#include "matcher/matcher_list.h"

// What of a photo, beside the options, decides its features: a text behind the options' in the provenance, in
// front of nothing else. Photos without masks that are not turned have none.
#pragma once

#include <string>

namespace colmatch {

// " mask HASH quarter_turns K", each part where it applies. mask: MaskFolder::Fingerprint.
std::string PhotoSuffix(const std::string& mask, int quarter_turns);

// The suffix of a stored provenance.
std::string PhotoSuffixOf(const std::string& provenance);

// By how many quarter turns, clockwise, the photo was turned when the network saw it.
int QuarterTurnsOf(const std::string& provenance);

}  // namespace colmatch

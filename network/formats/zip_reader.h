// A strict reader of uncompressed zip archives, as torch.save has written them since PyTorch 1.6.
// Source: PKWARE's APPNOTE 6.3.10, sections 4.3.7 (local header), 4.3.12 (directory), 4.3.14-16 (ends), 4.5.3
// (zip64).
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace colmatch {

// Content by name; the views point into `bytes`. Checks lengths, names and checksums; entries may not
// overlap. Throws WeightsError starting with `name`: compressed or encrypted entries, several volumes,
// anything damaged.
std::map<std::string, std::string_view> ReadStoredZip(std::string_view bytes, const std::string& name);

}  // namespace colmatch

// The summary of a batch of collections: index.html for people, summary.json for programs.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "plugin/reconstruction/batch_collections.h"

namespace colmatch {

struct BatchEntry {
  std::string name;
  CollectionRecord record;
  ReportData graph;  // images and pairs for the match graph, if there is no model; may be empty
};

struct BatchSummary {
  std::string title, command_line, date;
  std::vector<BatchEntry> entries;
};

// Whether a collection gave no model or ended with an error.
bool HasFailed(const CollectionRecord& record);

// Reads images and pairs from folder/report.json; empty if the file is missing or invalid.
ReportData ReadGraph(const std::filesystem::path& folder);

// The HTML page. Links are relative to the page: NAME/report.html. All text is escaped.
std::string BatchHtml(const BatchSummary& summary);
nlohmann::ordered_json BatchJson(const BatchSummary& summary);

// Writes folder/index.html and folder/summary.json, each atomically. Throws EnvironmentError.
void WriteBatchSummary(const BatchSummary& summary, const std::filesystem::path& folder);

}  // namespace colmatch

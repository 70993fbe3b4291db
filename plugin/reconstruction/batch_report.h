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
  ReportData graph;  // images and pairs, for the match graph of one without a model; may be empty
};

struct BatchSummary {
  std::string title, command_line, date;
  std::vector<BatchEntry> entries;
};

// A collection that gave no model, or ended by an error.
bool HasFailed(const CollectionRecord& record);

// Images and pairs of folder/report.json; empty where it is not there or makes no sense.
ReportData ReadGraph(const std::filesystem::path& folder);

// Links go to NAME/report.html, beside the page. Every text is escaped.
std::string BatchHtml(const BatchSummary& summary);
nlohmann::ordered_json BatchJson(const BatchSummary& summary);

// Writes folder/index.html and folder/summary.json, each atomically. Throws EnvironmentError.
void WriteBatchSummary(const BatchSummary& summary, const std::filesystem::path& folder);

}  // namespace colmatch

// Curves; see plot.h.
#include "plugin/runtime/plot.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "plugin/runtime/handover.h"
#include "util/atomic_file.h"

namespace colmatch {
namespace {

// A text inside gnuplot's double quotes.
std::string Quoted(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

std::string DataOf(const std::vector<Curve>& curves) {
  std::ostringstream data;
  data.precision(9);
  for (const Curve& curve : curves) {
    data << "# " << curve.label << '\n';
    for (size_t i = 0; i < std::min(curve.x.size(), curve.y.size()); ++i)
      data << curve.x[i] << ' ' << curve.y[i] << '\n';
    data << "\n\n";  // two blank lines end a gnuplot data set
  }
  return data.str();
}

std::string ScriptOf(const std::string& png, const std::string& data, const std::string& title,
                     const std::string& x_label, const std::vector<Curve>& curves) {
  std::ostringstream script;
  script << "set terminal pngcairo noenhanced size 900,560\nset output " << Quoted(png) << "\nset title "
         << Quoted(title) << "\nset xlabel " << Quoted(x_label) << "\nset grid\nset key outside\nplot";
  for (size_t i = 0; i < curves.size(); ++i) {
    script << (i > 0 ? ", \\\n  " : " ") << Quoted(data) << " index " << i << " with lines linewidth 2 title "
           << Quoted(curves[i].label);
  }
  script << '\n';
  return script.str();
}

}  // namespace

bool PlotCurves(const std::string& png_path, const std::string& title, const std::string& x_label,
                const std::vector<Curve>& curves) {
  const std::filesystem::path base = std::filesystem::path(png_path).replace_extension();
  const std::string data = base.string() + ".dat", script = base.string() + ".gp";
  WriteFileAtomically(data, DataOf(curves));
  WriteFileAtomically(script, ScriptOf(png_path, data, title, x_label, curves));
  return IsOnPath("gnuplot") && RunProgram({"gnuplot", script}, base.string() + ".log") == 0;
}

}  // namespace colmatch

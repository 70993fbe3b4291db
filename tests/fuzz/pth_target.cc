// The importer of official .pth files: network/formats/pth_reader.h, pickle.h, zip_reader.h. By the first
// byte: a whole file, the archive alone, the pickle alone, or a pickle in an archive with right checksums,
// where mutations would never get past the archive.
#include "network/formats/pickle.h"
#include "network/formats/pth_reader.h"
#include "network/formats/zip_reader.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/network/formats/zip_builder.h"

namespace colmatch {
namespace {

void ReadAs(uint8_t kind, std::string_view bytes) {
  switch (kind % 4) {
    case 0:
      ParsePth(bytes, "fuzz");
      break;
    case 1:
      ReadStoredZip(bytes, "fuzz");
      break;
    case 2: {
      const PickleMachine machine(bytes, "fuzz");
      machine.IsTrue("little_endian");
      machine.TakeStateDict();
      break;
    }
    case 3: {
      InputCursor input(bytes);
      const std::string storage(input.Block());
      ParsePth(BuildZip({{"net/data.pkl", std::string(input.Rest())}, {"net/data/7", storage}}), "fuzz");
      break;
    }
  }
}

bool Run(std::string_view input) {
  return !input.empty() && Accepted([&] { ReadAs(static_cast<uint8_t>(input[0]), input.substr(1)); });
}

std::string Text(const std::string& text) { return "X" + NumberBytes(text.size()).substr(0, 4) + text; }
std::string Int(int value) { return "J" + NumberBytes(value).substr(0, 4); }

std::vector<std::string> Seeds() {
  const std::string tensor = "ctorch._utils\n_rebuild_tensor_v2\n((" + Text("storage") +
                             "ctorch\nFloatStorage\n" + Text("7") + Text("cpu") + Int(4) + "tQ" + Int(0) +
                             "(" + Int(2) + Int(2) + "t(" + Int(2) + Int(1) + "t\x89" +
                             "ccollections\nOrderedDict\n)RtR";
  const std::string dict =
      "\x80\x02"
      "ccollections\nOrderedDict\n)R(" +
      Text("conv1a.weight") + tensor + "q\x01u}(" + Text("_metadata") + "}ub.";
  const std::string storage(16, '\1');
  const std::string zip =
      BuildZip({{"net/data.pkl", dict}, {"net/byteorder", "little"}, {"net/data/7", storage}});
  const std::string zip64 = BuildZip({{"net/data.pkl", dict}, {"net/data/7", storage}}, true);
  const std::string magic("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.", 21);
  const std::string legacy = magic + "\x80\x02}(" + Text("little_endian") + "\x88u." + dict + "\x80\x02](" +
                             Text("7") + "e." + NumberBytes(4) + storage;
  const std::string file(1, '\0'), archive = "\1", pickle = "\2", packed = "\3";
  return {file + zip,      file + legacy, archive + zip,
          archive + zip64, pickle + dict, packed + BlockBytes(storage) + dict};
}

const RegisterFuzzTarget registered({"pth", Run, Seeds});

}  // namespace
}  // namespace colmatch

// The instructions of the pickle machine, by the names of CPython's pickletools.py; see pickle.h.
#include <cstdio>

#include "network/formats/pickle.h"
#include "util/error.h"

namespace colmatch {
namespace {

enum Opcode : unsigned char {
  kProto = 0x80,
  kFrame = 0x95,
  kStop = '.',
  kMark = '(',
  kNone = 'N',
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kFloat = 'F',
  kBinFloat = 'G',
  kInt = 'I',
  kLong = 'L',
  kLong4 = 0x8b,
  kString = 'S',
  kBinString = 'T',
  kShortBinString = 'U',
  kUnicode = 'V',
  kBinUnicode8 = 0x8d,
  kBinBytes = 'B',
  kShortBinBytes = 'C',
  kBinBytes8 = 0x8e,
  kByteArray8 = 0x96,
  kEmptySet = 0x8f,
  kAddItems = 0x90,
  kFrozenSet = 0x91,
  kDict = 'd',
  kList = 'l',
  kPop = '0',
  kPopMark = '1',
  kDup = '2',
  kPut = 'p',
  kGet = 'g',
  kNewObject = 0x81,
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kLong1 = 0x8a,
  kBinUnicode = 'X',
  kShortBinUnicode = 0x8c,
  kEmptyDict = '}',
  kEmptyList = ']',
  kEmptyTuple = ')',
  kTuple = 't',
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kSetItem = 's',
  kSetItems = 'u',
  kAppend = 'a',
  kAppends = 'e',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kMemoize = 0x94,
  kBinGet = 'h',
  kLongBinGet = 'j',
  kGlobal = 'c',
  kStackGlobal = 0x93,
  kBinPersId = 'Q',
  kReduce = 'R',
  kBuild = 'b',
};

}  // namespace

bool PickleMachine::Step(unsigned char opcode) {
  if (StepLiteral(opcode) || StepText(opcode) || StepOldLiteral(opcode) || StepCollection(opcode) ||
      StepMemo(opcode))
    return true;
  switch (opcode) {
    case kStop:
      return false;
    case kMark:
      marks_.push_back(stack_.size());
      break;
    case kPop:
      Pop();
      break;
    case kPopMark:
      PopToMark();
      break;
    case kDup:
      stack_.push_back(Top());
      break;
    case kNewObject:
      MakeObject();
      break;
    case kGlobal: {
      const std::string_view module = ReadLine();
      PushFunction(module, ReadLine());
      break;
    }
    case kStackGlobal: {
      const Value name = Pop();
      PushFunction(Text(Pop()), Text(name));
      break;
    }
    case kBinPersId:
      PersistentId();
      break;
    case kReduce:
      Reduce();
      break;
    case kBuild:
      Build();
      break;
    default: {
      char code[8];
      std::snprintf(code, sizeof(code), "0x%02x", opcode);
      Fail(std::string("has the instruction ") + code +
           ", which no file of tensors needs: refused, nothing was run");
    }
  }
  return true;
}

// Dictionaries, lists, sets (as lists) and tuples.
bool PickleMachine::StepCollection(unsigned char opcode) {
  const auto new_dict = [this] {
    Push(Kind::kDict, static_cast<int64_t>(dicts_.size()));
    dicts_.emplace_back();
  };
  const auto new_list = [this] {
    Push(Kind::kList, static_cast<int64_t>(lists_.size()));
    lists_.emplace_back();
  };
  switch (opcode) {
    case kEmptyDict:
      new_dict();
      return true;
    case kDict: {
      const auto items = PopToMark();
      new_dict();
      SetItems(items);
      return true;
    }
    case kEmptyList:
    case kEmptySet:
      new_list();
      return true;
    case kList:
    case kFrozenSet: {
      const auto items = PopToMark();
      new_list();
      Append(items);
      return true;
    }
    case kEmptyTuple:
      PushTuple({});
      return true;
    case kTuple:
      PushTuple(PopToMark());
      return true;
    case kTuple1:
      PushSlice(1);
      return true;
    case kTuple2:
      PushSlice(2);
      return true;
    case kTuple3:
      PushSlice(3);
      return true;
    case kSetItems:
      SetItems(PopToMark());
      return true;
    case kSetItem: {
      const Value value = Pop();
      SetItems({Pop(), value});
      return true;
    }
    case kAppends:
    case kAddItems:
      Append(PopToMark());
      return true;
    case kAppend:
      Append({Pop()});
      return true;
    default:
      return false;
  }
}

// Text and bytes.
bool PickleMachine::StepText(unsigned char opcode) {
  switch (opcode) {
    case kBinUnicode:
    case kBinString:
    case kBinBytes:
      PushText(Read(ReadUnsigned(4)));
      return true;
    case kShortBinUnicode:
    case kShortBinString:
    case kShortBinBytes:
      PushText(Read(ReadUnsigned(1)));
      return true;
    case kBinUnicode8:
    case kBinBytes8:
    case kByteArray8:
      PushText(Read(ReadUnsigned(8)));
      return true;
    case kUnicode:
      PushText(ReadLine());
      return true;
    case kString: {  // 'text', with its quotes
      const std::string_view line = ReadLine();
      if (line.size() < 2 || line.front() != line.back()) Fail("has a text without quotes");
      PushText(line.substr(1, line.size() - 2));
      return true;
    }
    default:
      return false;
  }
}

// Numbers, as protocol 0 writes them, and those that are of no use here.
bool PickleMachine::StepOldLiteral(unsigned char opcode) {
  switch (opcode) {
    case kBinFloat:
      Read(8);
      Push(Kind::kOpaque);
      return true;
    case kFloat:
      ReadLine();
      Push(Kind::kOpaque);
      return true;
    case kInt:
    case kLong:
      PushDecimal(ReadLine());
      return true;
    case kLong4:
      Read(ReadUnsigned(4));
      Push(Kind::kOpaque);
      return true;
    default:
      return false;
  }
}

bool PickleMachine::StepLiteral(unsigned char opcode) {
  switch (opcode) {
    case kProto: {
      const uint64_t protocol = ReadUnsigned(1);
      if (protocol > 5) Fail("has protocol " + std::to_string(protocol) + ", expected at most 5");
      return true;
    }
    case kFrame:
      ReadUnsigned(8);
      return true;  // a hint for buffered readers
    case kNone:
      Push(Kind::kNone);
      return true;
    case kNewTrue:
      Push(Kind::kBool, 1);
      return true;
    case kNewFalse:
      Push(Kind::kBool, 0);
      return true;
    case kBinInt:
      Push(Kind::kInt, ReadSigned(4));
      return true;
    case kBinInt1:
      Push(Kind::kInt, static_cast<int64_t>(ReadUnsigned(1)));
      return true;
    case kBinInt2:
      Push(Kind::kInt, static_cast<int64_t>(ReadUnsigned(2)));
      return true;
    case kLong1: {
      const uint64_t size = ReadUnsigned(1);
      if (size <= 8) {
        Push(Kind::kInt, ReadSigned(size));
      } else {
        Read(size);
        Push(Kind::kOpaque);
      }
      return true;
    }
    default:
      return false;
  }
}

bool PickleMachine::StepMemo(unsigned char opcode) {
  // A map, not an array: the largest index must cost no more than the smallest.
  const auto get = [this](uint64_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) Fail("asks for memo " + std::to_string(index) + ", which was never stored");
    stack_.push_back(found->second);
    return true;
  };
  switch (opcode) {
    case kPut:
      memo_[ReadDecimal()] = Top();
      return true;
    case kGet:
      return get(ReadDecimal());
    case kBinPut:
      memo_[ReadUnsigned(1)] = Top();
      return true;
    case kLongBinPut:
      memo_[ReadUnsigned(4)] = Top();
      return true;
    case kMemoize:
      memo_[memo_.size()] = Top();
      return true;
    case kBinGet:
      return get(ReadUnsigned(1));
    case kLongBinGet:
      return get(ReadUnsigned(4));
    default:
      return false;
  }
}

}  // namespace colmatch

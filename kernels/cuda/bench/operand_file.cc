#include "operand_file.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string_view>

namespace minference::cuda::bench {
namespace {

// Little-endian, as the machines that have these devices are.
struct Header {
  char magic[8];
  uint32_t version, dtype, rows, heads, kv_heads, head_dim;
};
static_assert(sizeof(Header) == 32 && std::endian::native == std::endian::little);

constexpr char kMagic[8] = {'M', 'I', 'N', 'F', 'Q', 'K', 'V', '\0'};
constexpr uint32_t kVersion = 1;
constexpr uint32_t kMostRows = 1 << 24, kMostHeads = 1024;  // more is no attention that a device could hold
constexpr uint16_t kExponent = 0x7c00;                      // all ones in infinities and NaN

class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path), in_(path, std::ios::binary | std::ios::ate) {
    if (!in_) throw std::runtime_error(path + ": cannot be opened");
    size_ = in_.tellg();
    in_.seekg(0);
  }

  int64_t size() const { return size_; }

  void read(void* to, size_t bytes) {
    if (!in_.read(static_cast<char*>(to), static_cast<std::streamsize>(bytes))) fail("cannot be read to its end");
  }

  std::vector<uint16_t> read_halves(const char* name, int64_t count) {
    std::vector<uint16_t> values(static_cast<size_t>(count));
    read(values.data(), values.size() * sizeof(uint16_t));
    for (size_t i = 0; i < values.size(); ++i) {
      if ((values[i] & kExponent) == kExponent) {
        fail(std::string("expected finite values, found another as element ") + std::to_string(i) + " of " + name);
      }
    }
    return values;
  }

  [[noreturn]] void fail(const std::string& what) const { throw std::runtime_error(path_ + ": " + what); }

 private:
  std::string path_;
  std::ifstream in_;
  int64_t size_ = 0;
};

void check_range(const Reader& reader, const char* name, uint32_t value, uint32_t most) {
  if (value >= 1 && value <= most) return;
  reader.fail(std::string("expected 1 to ") + std::to_string(most) + " " + name + ", found " + std::to_string(value));
}

// With dots for what is no printable character.
std::string printable(const char (&magic)[8]) {
  std::string text(magic, sizeof(magic));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '.');
  return "\"" + text + "\"";
}

Shape check_header(const Reader& reader, const Header& h) {
  if (std::memcmp(h.magic, kMagic, sizeof(kMagic)) != 0) {
    reader.fail("expected the magic " + printable(kMagic) + ", found " + printable(h.magic));
  }
  if (h.version != kVersion) {
    reader.fail("expected version " + std::to_string(kVersion) + ", found " + std::to_string(h.version));
  }
  if (h.dtype != static_cast<uint32_t>(DataType::kFloat16)) {
    reader.fail("expected dtype 1 (float16), found " + std::to_string(h.dtype));
  }
  check_range(reader, "rows", h.rows, kMostRows);
  check_range(reader, "heads", h.heads, kMostHeads);
  check_range(reader, "KV heads", h.kv_heads, kMostHeads);
  if (h.heads % h.kv_heads != 0) {
    reader.fail("expected KV heads that divide " + std::to_string(h.heads) + " heads, found " +
                std::to_string(h.kv_heads));
  }
  if (h.head_dim != 64 && h.head_dim != 96 && h.head_dim != 128 && h.head_dim != 256) {
    reader.fail("expected a head size of 64, 96, 128 or 256, found " + std::to_string(h.head_dim));
  }
  return {int64_t{h.rows}, int64_t{h.heads}, int64_t{h.kv_heads}, int64_t{h.head_dim}};
}

constexpr int32_t kind(PatternKind of) { return static_cast<int32_t>(of); }

HeadPattern parse_pattern(std::string_view text) {
  int32_t numbers[3];
  const char *at = text.data(), *end = at + text.size();
  for (int i = 0; i < 3; ++i) {
    const auto [next, error] = std::from_chars(at, end, numbers[i]);
    const bool separated = i < 2 ? next != end && *next == ':' : next == end;
    if (error != std::errc{} || numbers[i] < 0 || !separated) {
      throw std::invalid_argument("--patterns: expected kind:a:b of whole numbers >= 0, found \"" + std::string(text) +
                                  "\"");
    }
    if (i < 2) at = next + 1;
  }
  if (numbers[0] > kind(PatternKind::kBlockSparse)) {
    throw std::invalid_argument("--patterns: expected a kind from 0 to 3, found " + std::to_string(numbers[0]));
  }
  return {numbers[0], numbers[1], numbers[2], 0};
}

}  // namespace

OperandFile read_operands(const std::string& path) {
  Reader reader(path);
  Header header{};
  if (reader.size() < static_cast<int64_t>(sizeof(header))) {
    reader.fail("expected a header of 32 bytes, found " + std::to_string(reader.size()) + " bytes");
  }
  reader.read(&header, sizeof(header));
  const Shape shape = check_header(reader, header);
  const int64_t queries = shape.tokens * shape.heads * shape.head_dim;
  const int64_t keys = shape.tokens * shape.kv_heads * shape.head_dim;
  const int64_t size = static_cast<int64_t>(sizeof(header) + (queries + 2 * keys) * sizeof(uint16_t));
  if (reader.size() != size) {
    reader.fail("expected " + std::to_string(size) + " bytes, found " + std::to_string(reader.size()));
  }
  OperandFile file{shape, reader.read_halves("q", queries), {}, {}};
  file.k = reader.read_halves("k", keys);
  file.v = reader.read_halves("v", keys);
  return file;
}

std::vector<HeadPattern> parse_patterns(const std::string& text) {
  std::vector<HeadPattern> patterns;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    patterns.push_back(parse_pattern(std::string_view(text).substr(begin, end - begin)));
    begin = end + 1;
  }
  return patterns;
}

}  // namespace minference::cuda::bench

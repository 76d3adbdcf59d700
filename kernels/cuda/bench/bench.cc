#include "bench.h"

#include <cstdio>
#include <fstream>

#include "../common/device.h"

namespace minference::cuda::bench {
namespace {

constexpr size_t kScratch = size_t{3} << 30;

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + "\"";
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.6g", value);
  return text;
}

}  // namespace

Bench::Bench(const Options& options)
    : options_(options), scratch_(options.shrink > 1 ? kScratch / 4 : kScratch), context_(scratch_.context(nullptr)) {
  check(cudaStreamCreate(&stream_), "creating a stream");
  context_.stream = stream_;
  timer_.emplace(stream_, options.runs);
}

Bench::~Bench() { cudaStreamDestroy(stream_); }

bool Bench::wants(const std::string& id) const { return !options_.only || std::regex_search(id, *options_.only); }

Time Bench::time(const std::function<void()>& work) {
  return timer_->measure(work, [this] { scratch_.reset(); });
}

Time Bench::time_keeping_scratch(const std::function<void()>& work) {
  return timer_->measure(work, [] {});
}

void Bench::add(Row row) {
  const Shape& s = row.shape;
  std::printf("%-22s %7ld keys %2ld/%ld x %3ld  %9.3f ms (%.3f-%.3f)", row.id.c_str(), static_cast<long>(s.tokens),
              static_cast<long>(s.heads), static_cast<long>(s.kv_heads), static_cast<long>(s.head_dim), row.time.median,
              row.time.least, row.time.most);
  if (row.flops > 0) std::printf("  %6.1f TFLOP/s", row.flops / row.time.median * 1e-9);
  if (row.bytes > 0) std::printf("  %.3f GB", row.bytes * 1e-9);
  std::printf("  %s\n", row.note.c_str());
  std::fflush(stdout);
  rows_.push_back(std::move(row));
}

void Bench::write_json() const {
  if (options_.json.empty()) return;
  cudaDeviceProp device{};
  int runtime = 0, driver = 0, current = 0;
  check(cudaGetDevice(&current), "asking for the device");
  check(cudaGetDeviceProperties(&device, current), "asking for the device");
  check(cudaRuntimeGetVersion(&runtime), "asking for the version");
  check(cudaDriverGetVersion(&driver), "asking for the version");
  std::ofstream out(options_.json);
  out << "{\n  \"gpu\": " << quoted(device.name) << ",\n  \"cudaRuntime\": " << runtime
      << ",\n  \"cudaDriver\": " << driver
      << ",\n  \"dtype\": " << (options_.dtype == DataType::kBFloat16 ? "\"bfloat16\"" : "\"float16\"")
      << ",\n  \"rows\": [";
  const char* separator = "\n";
  for (const Row& row : rows_) {
    const Shape& s = row.shape;
    out << separator << "    { \"id\": " << quoted(row.id) << ", \"tokens\": " << s.tokens << ", \"heads\": " << s.heads
        << ", \"kvHeads\": " << s.kv_heads << ", \"headDim\": " << s.head_dim << ", \"ms\": " << number(row.time.median)
        << ", \"leastMs\": " << number(row.time.least) << ", \"mostMs\": " << number(row.time.most)
        << ", \"runs\": " << row.time.runs;
    if (row.flops > 0) {
      out << ", \"flops\": " << number(row.flops) << ", \"tflops\": " << number(row.flops / row.time.median * 1e-9);
    }
    if (row.bytes > 0) out << ", \"bytes\": " << number(row.bytes);
    if (!row.note.empty()) out << ", \"note\": " << quoted(row.note);
    out << " }";
    separator = ",\n";
  }
  out << "\n  ]\n}\n";
  if (!out.flush()) throw CudaError("cannot write " + options_.json);
}

double dense_flops(const Shape& s) {
  const double rows = static_cast<double>(s.rows == 0 ? s.tokens : s.rows), total = static_cast<double>(s.tokens);
  return 2.0 * static_cast<double>(s.heads * s.head_dim) * rows * (2 * total - rows + 1);
}

}  // namespace minference::cuda::bench

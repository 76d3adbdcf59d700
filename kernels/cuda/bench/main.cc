// Times the CUDA kernels without ONNX Runtime. `npm run bench:gpu` runs it beside the baselines.
// usage: minference_bench [--only REGEX] [--json FILE] [--fp16] [--quick] [--runs N] [--shrink N]
//   [--operands FILE]… --patterns KIND:A:B,…
// Files of operands and the patterns of their heads come from kernels/bench/write-operands.ts.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <stdexcept>

#include "bench.h"
#include "operand_file.h"

namespace {

using namespace minference::cuda::bench;

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const auto is = [&](const char* name) { return std::strcmp(argv[i], name) == 0; };
    const auto value = [&] {
      if (i + 1 == argc) throw std::invalid_argument(std::string(argv[i]) + " needs a value");
      return std::string(argv[++i]);
    };
    if (is("--only")) {
      options.only = std::regex(value());
    } else if (is("--json")) {
      options.json = value();
    } else if (is("--fp16")) {
      options.dtype = minference::DataType::kFloat16;
    } else if (is("--quick")) {
      options.quick = true;
      options.runs = 5;
    } else if (is("--runs")) {
      options.runs = std::stoi(value());
    } else if (is("--shrink")) {
      options.shrink = std::stoll(value());
    } else if (is("--operands")) {
      options.operands.push_back(value());
    } else if (is("--patterns")) {
      options.patterns = parse_patterns(value());
    } else {
      throw std::invalid_argument(std::string("unknown option ") + argv[i]);
    }
  }
  if (options.operands.empty() != options.patterns.empty()) {
    throw std::invalid_argument("--operands and --patterns come together");
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
    std::printf("skipped: no device\n");
    return 0;
  }
  try {
    Bench bench(parse(argc, argv));
    // What fails is told; the other rows still run.
    bool failed = false;
    for (const auto add : {add_dense_rows, add_sparse_rows, add_block_rows, add_probe_row, add_decode_rows,
                           add_memory_row, add_real_rows}) {
      try {
        add(bench);
      } catch (const std::exception& error) {
        std::fprintf(stderr, "FAILED: %s\n", error.what());
        failed = true;
      }
      bench.write_json();
    }
    return failed ? 1 : 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "minference_bench: %s\n", error.what());
    return 1;
  }
}

// Operands of a model's attention in a file, as kernels/bench/operand-file.ts writes them.
#pragma once

#include <string>
#include <vector>

#include "operands.h"

namespace minference::cuda::bench {

// Queries and keys after rotary embedding, float16.
struct OperandFile {
  Shape shape;
  std::vector<uint16_t> q;     // [tokens, heads, head_dim]
  std::vector<uint16_t> k, v;  // [kv_heads, tokens, head_dim]
};

// Throws std::runtime_error that says what was expected and found.
OperandFile read_operands(const std::string& path);

// "kind:a:b" of every head, separated by commas. Throws std::invalid_argument.
std::vector<HeadPattern> parse_patterns(const std::string& text);

}  // namespace minference::cuda::bench

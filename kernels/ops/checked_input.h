// Reading inputs whose presence and shape are checked first; std::invalid_argument says what was expected and found.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "input_slots.h"
#include "minference/params.h"
#include "ort.h"

namespace minference::ops {

using Shape = std::vector<int64_t>;

std::string to_text(const Shape& shape);
Shape shape_of(const Ort::ConstValue& value);
size_t element_count(const Ort::ConstValue& value);
size_t element_bytes(DataType dtype);

// Null when the node leaves the input out.
Ort::ConstValue optional_input(const Ort::KernelContext& context, InputIndex index);
Ort::ConstValue required_input(const Ort::KernelContext& context, InputIndex index, const char* name);

void expect_shape(const char* name, const Ort::ConstValue& value, const Shape& expected);
// Throws unless `holds`.
void expect(bool holds, const std::string& message);

}  // namespace minference::ops

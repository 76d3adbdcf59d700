// Indices that a caller gives: std::invalid_argument names head, row block and value.
#pragma once

#include "minference/params.h"

namespace minference::contract {

// Every explicit head names an index, whose row blocks are the call's and whose keys ascend within the context.
void check_indices(const AttentionParams& params);

}  // namespace minference::contract

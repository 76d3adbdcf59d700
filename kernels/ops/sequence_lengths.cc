#include "sequence_lengths.h"

#include "checked_input.h"

namespace minference::ops {

SequenceLengths read_sequence_lengths(const Ort::KernelContext& context, int64_t batch, int64_t seqlen_q) {
  const auto seqlens = required_input(context, kSeqlensK, "seqlens_k");
  const auto total = required_input(context, kTotalSequenceLength, "total_sequence_length");
  expect(element_count(seqlens) == static_cast<size_t>(batch), "expected seqlens_k of shape [" + std::to_string(batch) +
                                                                   "], one entry per batch row, found " +
                                                                   to_text(shape_of(seqlens)));
  expect(element_count(total) == 1,
         "expected total_sequence_length to be a scalar, found shape " + to_text(shape_of(total)));

  SequenceLengths lengths{{}, {}, *total.GetTensorData<int32_t>()};
  expect(lengths.total >= seqlen_q, "expected total_sequence_length >= the " + std::to_string(seqlen_q) +
                                        " rows of query, found " + std::to_string(lengths.total));
  const bool first_prompt = lengths.total == seqlen_q;
  const int32_t* last = seqlens.GetTensorData<int32_t>();
  for (int64_t b = 0; b < batch; ++b) {
    const int64_t length = int64_t{last[b]} + 1;
    const int64_t past = first_prompt ? 0 : length - seqlen_q;
    expect(past >= 0 && length >= 0 && length <= lengths.total,
           "expected seqlens_k (valid length - 1) that fits " + std::to_string(seqlen_q) + " rows of query and " +
               "total_sequence_length " + std::to_string(lengths.total) + ", found " + std::to_string(last[b]) +
               " in batch entry " + std::to_string(b));
    lengths.past.push_back(static_cast<int32_t>(past));
    lengths.now.push_back(static_cast<int32_t>(length - past));
  }
  return lengths;
}

}  // namespace minference::ops

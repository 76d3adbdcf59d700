// What the host code asks of the device that is current.
#pragma once

namespace minference::cuda {

struct DeviceFacts {
  int major, minor;  // compute capability
  int multiprocessors;
  int shared_memory;  // bytes that one thread block may have
};

// Asked once per device.
const DeviceFacts& device_facts();

}  // namespace minference::cuda

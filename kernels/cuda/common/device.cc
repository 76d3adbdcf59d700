#include "device.h"

#include <cuda_runtime_api.h>

#include <map>
#include <mutex>

#include "check.h"

namespace minference::cuda {
namespace {

int attribute(cudaDeviceAttr which, int device) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, which, device), "asking for a property of the device");
  return value;
}

}  // namespace

const DeviceFacts& device_facts() {
  static std::mutex mutex;
  static std::map<int, DeviceFacts> known;
  int device = 0;
  check(cudaGetDevice(&device), "asking for the current device");
  const std::lock_guard lock(mutex);
  const auto found = known.find(device);
  if (found != known.end()) return found->second;
  return known[device] = {attribute(cudaDevAttrComputeCapabilityMajor, device),
                          attribute(cudaDevAttrComputeCapabilityMinor, device),
                          attribute(cudaDevAttrMultiProcessorCount, device),
                          attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin, device)};
}

}  // namespace minference::cuda

#include "minference/op_times.h"

namespace minference {

OpTimes& op_times() {
  static OpTimes times;
  return times;
}

}  // namespace minference

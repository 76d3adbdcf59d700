import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../cli/helpers/build.js';

const kernels = join(ROOT, 'kernels');
const { brokenArrows } = (await import(join(kernels, 'include-arrows.mjs'))) as {
  brokenArrows(kernels: string, file: string, text: string): string[];
};

describe('includes of the native sources', () => {
  it.each([
    ['shared/call_span.h', '#include "../cpu/index/head_plan.h"', 'kernels/shared to kernels/cpu/index'],
    ['cpu/index/head_plan.h', '#include "../optimized/run_tasks.h"', 'kernels/cpu/index to kernels/cpu/optimized'],
    ['cpu/simd/vec_math.h', '#include "../operands/packed_kv.h"', 'kernels/cpu/simd to kernels/cpu/operands'],
    ['cpu/reference/element.cc', '#include "../simd/kernel_table.h"', 'kernels/cpu/reference to kernels/cpu/simd'],
    ['cuda/plan/planner.cc', '#include "../../cpu/half.h"', 'kernels/cuda to kernels/cpu'],
    ['cuda/plan/planner.cc', '#include "cpu/half.h"', 'kernels/cuda to kernels/cpu'],
    ['cpu/half.h', '#include "cuda/device_plan.h"', 'kernels/cpu to kernels/cuda'],
    ['shared/call_span.h', '#include "cpu/index/head_plan.h"', 'kernels/shared to kernels/cpu/index'],
    ['cpu/half.h', '#include "device_plan.h"', 'kernels/cpu to kernels/cuda'],
    ['cuda/plan/planner.cc', '#include "../../ops/scratch.h"', 'kernels/cuda to kernels/ops'],
    ['include/minference/cpu.h', '#include "../../shared/call_span.h"', 'kernels/include to kernels/shared'],
    ['cpu/half.h', '#include <onnxruntime_c_api.h>', 'only in kernels/ops and kernels/addon'],
    ['ops/attention_op.cc', '#include <napi.h>', 'only in kernels/addon'],
  ])('%s with %s', (file, line, message) => {
    const problems = brokenArrows(kernels, file, `// a comment\n${line}\n`);
    expect(problems).toEqual([expect.stringMatching(new RegExp(`^kernels/${file}:2: .*${message}`))]);
  });

  it('go the right way where they stand', () => {
    const file = 'cpu/index/head_indexer.h';
    expect(brokenArrows(kernels, file, readFileSync(join(kernels, file), 'utf8'))).toEqual([]);
  });
});

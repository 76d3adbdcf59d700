import { render } from 'ink-testing-library';
import { describe, expect, it } from 'vitest';
import { TaskScreen } from '../../src/cli/components/TaskScreen.js';
import { describeTime, estimateRemaining, newTaskState, type TaskState } from '../../src/cli/reporters/task-state.js';

const at = (done: number, elapsedMs: number, more: Partial<TaskState> = {}): TaskState => ({
  ...newTaskState({ label: 'search', total: 8, unit: 'layer' }),
  done,
  startedAt: performance.now() - elapsedMs,
  ...more,
});

describe('TaskScreen', () => {
  it('shows rows above the bar, share, steps, time left and detail', () => {
    const state = at(2, 10_000, { detail: 'kv, 8,192 tokens' });
    const { lastFrame, unmount } = render(<TaskScreen state={state} rows={['layer 0', 'layer 1']} end={undefined} />);
    expect(lastFrame()!.split('\n')).toEqual([
      'layer 0',
      'layer 1',
      expect.stringMatching(/^search ━{7}─{21} +25 % 2\/8 layers · 0:10, about 0:30 left$/),
      '  kv, 8,192 tokens',
    ]);
    unmount();
  });

  it('keeps the bar’s length whatever the numbers are', () => {
    const bar = (state: TaskState) => {
      const { lastFrame, unmount } = render(<TaskScreen state={state} rows={[]} end={undefined} />);
      const length = lastFrame()!.match(/[━─]+/)![0].length;
      unmount();
      return length;
    };
    expect(bar(at(0, 0, { total: 8 }))).toBe(bar(at(123_456, 5_000_000, { total: 1_234_567, unit: 'tokens' })));
  });

  it('ends in one line', () => {
    const end = { line: 'search: 8 layers in 0:40', ok: true };
    const { lastFrame, unmount } = render(<TaskScreen state={at(8, 40_000)} rows={[]} end={end} />);
    expect(lastFrame()!.trim()).toBe('✔ search: 8 layers in 0:40');
    unmount();
  });
});

describe('the estimate', () => {
  it('waits until it is more than a guess', () => {
    const now = performance.now();
    expect(estimateRemaining(at(0, 60_000), now)).toBeUndefined();
    expect(estimateRemaining(at(1, 500), now)).toBeUndefined();
    expect(estimateRemaining(at(8, 60_000), now)).toBeUndefined();
    expect(describeTime(at(0, 60_500), now)).toBe('1:00');
  });

  it('follows the pace so far', () => {
    const now = performance.now();
    expect(estimateRemaining(at(2, 10_000), now)! / 1000).toBeCloseTo(30, 0);
    expect(estimateRemaining(at(0, 10_000, { total: 0 }), now)).toBeUndefined();
  });
});

import { Box, Static, Text, useStdout } from 'ink';
import { useEffect, useState } from 'react';
import { describeSteps, describeTime, shareDone, type TaskState } from '../reporters/task-state.js';
import { ProgressBar } from './ProgressBar.js';

const CLOCK_MS = 1000;
const MAX_BAR = 28;
const MIN_BAR = 8;
/** Columns for percentage, steps and clock: kept free whatever they show, so that the bar does not change its length. */
const FACTS_WIDTH = 54;

/** The time of the last tick, so that the clock runs while nothing else happens. */
function useClock(): number {
  const [now, setNow] = useState(() => performance.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(performance.now()), CLOCK_MS);
    return () => clearInterval(timer);
  }, []);
  return now;
}

function RunningTask({ state, columns }: { state: TaskState; columns: number }) {
  const now = Math.max(useClock(), performance.now());
  const share = shareDone(state);
  const percent = `${Math.floor(share * 100)} %`.padStart(5);
  const facts = `${describeSteps(state)} · ${describeTime(state, now)}`;
  const width = Math.min(MAX_BAR, columns - state.label.length - FACTS_WIDTH);
  return (
    <Box flexDirection="column">
      <Text wrap="truncate">
        {state.label} {width >= MIN_BAR && <ProgressBar share={share} width={width} />}
        {percent} <Text dimColor>{facts}</Text>
      </Text>
      {state.detail !== '' && (
        <Text dimColor wrap="truncate">
          {'  '}
          {state.detail}
        </Text>
      )}
    </Box>
  );
}

function EndedTask({ line, ok }: { line: string; ok: boolean }) {
  return (
    <Text>
      <Text color={ok ? 'green' : 'yellow'}>{ok ? '✔' : '■'}</Text> {line}
    </Text>
  );
}

export interface TaskScreenProps {
  state: TaskState;
  /** Lines above the bar, oldest first; only ever grows. */
  rows: readonly string[];
  /** The line that replaces the bar once the task is over. */
  end: { line: string; ok: boolean } | undefined;
}

/** Rows of finished items, which scroll away as plain text, above the bar of the task in progress. */
export function TaskScreen({ state, rows, end }: TaskScreenProps) {
  const { stdout } = useStdout();
  return (
    <>
      <Static items={rows as string[]}>{(row, index) => <Text key={index}>{row}</Text>}</Static>
      {end ? <EndedTask {...end} /> : <RunningTask state={state} columns={stdout.columns || 80} />}
    </>
  );
}

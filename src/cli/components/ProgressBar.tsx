import { Text } from 'ink';

export interface ProgressBarProps {
  /** Share done, 0 to 1. */
  share: number;
  /** Columns. */
  width: number;
}

/** A thin line that fills from the left. */
export function ProgressBar({ share, width }: ProgressBarProps) {
  const filled = Math.round(share * width);
  return (
    <Text>
      <Text color="cyan">{'━'.repeat(filled)}</Text>
      <Text dimColor>{'─'.repeat(width - filled)}</Text>
    </Text>
  );
}

import { styleText } from 'node:util';

/** How every error of the CLI looks: what is wrong, then what to do. Ends in a newline. */
export function formatErrorText(message: string, hint: string | undefined, colour: boolean): string {
  const label = (text: string, style: 'red' | 'cyan') => (colour ? styleText(style, text) : text);
  const lines = [`${label('error:', 'red')} ${message}`];
  if (hint) lines.push(`${label('hint:', 'cyan')} ${hint}`);
  return `${lines.join('\n')}\n`;
}

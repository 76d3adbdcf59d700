import { CSV_HEADER } from '../../../eval/report/csv.js';
import { chooseFormat } from '../../../eval/report/options.js';
import { type Report, reportResults } from '../../../eval/report/report-results.js';
import { defined } from '../../../utils/defined.js';
import { formatBytes } from '../../../utils/format.js';
import type { CommandRun } from '../../command-spec.js';
import { refuseForeignFile } from '../../refuse-foreign-file.js';
import { renderFacts } from '../../render/table.js';
import { stdoutStyle } from '../../terminal.js';
import type { reportOptions } from './report-options.js';

const DEFAULT_PAGE = 'report.html';

export const runEvalReport: CommandRun<typeof reportOptions> = async ({ out: wanted, format: name }, context) => {
  const { operands: folders, progress } = context;
  const format = chooseFormat(defined({ out: wanted, format: name }));
  // A page is nothing to read in a terminal.
  const out = wanted ?? (format === 'html' ? DEFAULT_PAGE : undefined);
  if (out !== undefined) await refuseForeignFile(out, CSV_HEADER);
  const report = await reportResults({ folders, format, ...defined({ out }) });
  for (const { folder, reason } of report.withoutExamples) progress.warn(`${folder}: no examples, ${reason}`);
  return { json: toJson(report), text: report.out === null ? report.text : summary(report) };
};

/** The document itself only where it is in no file. */
function toJson({ text, ...report }: Report) {
  return { ...report, bytes: Buffer.byteLength(text), text: report.out === null ? text : null };
}

const summary = ({ out, text, sections }: Report) =>
  renderFacts(
    [
      ['report', `${out} (${formatBytes(Buffer.byteLength(text))})`],
      ...sections.map(
        ({ title, folders, methods }) => [title, `${methods.join(', ')}; from ${folders.join(', ')}`] as const,
      ),
    ],
    stdoutStyle,
    process.stdout.columns,
  );

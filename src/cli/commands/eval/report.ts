import { defineCommand } from '../../command-spec.js';
import { reportOptions } from './report-options.js';

export const evalReportCommand = defineCommand({
  name: 'eval report',
  summary: 'make a page of results, with tables, charts and examples',
  description:
    'Makes one page of the results in one or several folders: scores with intervals and differences to dense attention, ' +
    'accuracy by cost and by length, times, and answers that methods gained and lost. Runs of the same evaluation and ' +
    'model stand side by side. The page needs no network and no other file.',
  options: reportOptions,
  operands: { name: 'folders', help: 'folders that evaluations wrote to' },
  examples: [
    { command: 'eval report eval-ruler', does: 'a page, report.html' },
    { command: 'eval report eval-ruler eval-niah --out both.html', does: 'two evaluations in one page' },
    { command: 'eval report eval-ruler --format md', does: 'tables for a README or a pull request, on stdout' },
    { command: 'eval report eval-ruler --out ruler.csv', does: 'everything that was measured, for a spreadsheet' },
  ],
  afterInterrupt: 'run the same command again: nothing was changed',
  load: async () => (await import('./run-report.js')).runEvalReport,
});

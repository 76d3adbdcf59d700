import { choice, optional, path } from '../../options/option-types.js';

const REPORT = 'Report:';

export const reportOptions = {
  out: {
    flags: '--out <file>',
    help: 'file to write; its name says the format: .html, .md or .csv (default: report.html; others go to stdout)',
    group: REPORT,
    example: '--out report.html',
    schema: optional(path),
  },
  format: {
    flags: '--format <name>',
    help: 'html (a page that needs nothing else), md (tables for a README) or csv (a line per measurement)',
    group: REPORT,
    example: '--format md',
    schema: optional(choice(async () => (await import('../../../eval/report/options.js')).formatSchema)),
  },
};

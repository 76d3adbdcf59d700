import { realpath } from 'node:fs/promises';
import { writeFileAtomic } from '../../utils/atomic-write.js';
import { checkOptions } from '../../utils/check-options.js';
import { reportCsv } from './csv.js';
import { reportMarkdown } from './markdown.js';
import { chooseFormat, type ReportFormat, type ReportOptions, reportSchema } from './options.js';
import { reportPage } from './page.js';
import { readRun } from './read-run.js';
import { type ReportSection, toSections } from './sections.js';

export interface Report {
  format: ReportFormat;
  /** The whole page, Markdown or CSV. */
  text: string;
  /** File that it was written to; null: nowhere. */
  out: string | null;
  /** What stands side by side: runs of the same evaluation and model. */
  sections: { title: string; folders: string[]; methods: string[] }[];
  /** Folders without examples, each with the reason. */
  withoutExamples: { folder: string; reason: string }[];
}

const WRITERS: Record<ReportFormat, (sections: readonly ReportSection[]) => string> = {
  html: reportPage,
  md: reportMarkdown,
  csv: reportCsv,
};

/**
 * Makes one document of results of evaluations: a page of HTML that needs nothing else, tables in Markdown, or CSV. Runs
 * of the same evaluation and model stand side by side. Needs neither the model nor its data.
 *
 * @throws {MinferenceError} USAGE; READ_FAILED for a folder without results; CHECKPOINT_INVALID for results of another
 *   schema; WRITE_FAILED
 */
export async function reportResults(options: ReportOptions): Promise<Report> {
  checkOptions(reportSchema, options, 'reportResults');
  const { out = null } = options;
  const format = chooseFormat(options);
  const runs = await Promise.all((await distinctFolders(options.folders)).map(readRun));
  const sections = toSections(runs);
  const text = WRITERS[format](sections);
  if (out !== null) await writeFileAtomic(out, text);
  return {
    format,
    text,
    out,
    sections: sections.map(({ title, runs, methods }) => ({
      title,
      folders: runs.map(({ name }) => name),
      methods: methods.map(({ label }) => label),
    })),
    withoutExamples: sections.flatMap(({ runs }) =>
      runs.flatMap(({ name, missing }) => (missing === null ? [] : [{ folder: name, reason: missing }])),
    ),
  };
}

/** A folder that is given twice is one; one that is not there keeps its name, for the error. */
async function distinctFolders(folders: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    folders.map(async (folder) => [await realpath(folder).catch(() => folder), folder] as const),
  );
  return [...new Map([...found].reverse()).values()].reverse();
}

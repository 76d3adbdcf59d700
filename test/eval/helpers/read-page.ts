import { elementsOf } from '../../plot/well-formed.js';

/** What a browser shows of a report: checked for being well-formed, and without anything from elsewhere. */
export function readPage(page: string) {
  const body = page.replace(/^<!doctype html>\n/, '');
  const elements = elementsOf(body);
  const shown = body.replace(/<style>[\s\S]*?<\/style>/, '');
  return {
    elements,
    /** Texts between tags, as they are read. */
    text: decode(shown.replace(/<[^>]*>/g, '\n')).replace(/\n+/g, '\n'),
    tables: [...shown.matchAll(/<table>([\s\S]*?)<\/table>/g)].map(([, table]) => readTable(table!)),
    drawings: [...shown.matchAll(/<svg[\s\S]*?<\/svg>/g)].map(([svg]) => svg),
  };
}

function readTable(table: string) {
  const text = (markup: string) => decode(markup.replace(/<small/g, ' <small').replace(/<[^>]*>/g, ''));
  const [, caption] = /<caption>([\s\S]*?)<\/caption>/.exec(table)!;
  const rows = [...table.matchAll(/<tr>([\s\S]*?)<\/tr>/g)].map(([, row]) =>
    [...row!.matchAll(/<t[hd][^>]*>([\s\S]*?)<\/t[hd]>/g)].map(([, cell]) => text(cell!)),
  );
  return { caption: text(caption!), columns: rows[0]!, rows: rows.slice(1) };
}

const ENTITIES: Record<string, string> = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&amp;': '&' };
const decode = (text: string) => text.replace(/&(?:lt|gt|quot|amp);/g, (entity) => ENTITIES[entity]!);

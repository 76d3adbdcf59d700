/** A table before it is HTML or Markdown. */
export interface ReportTable {
  /** What it shows; also its name for those who do not see it. */
  caption: string;
  columns: readonly Column[];
  rows: readonly (readonly Cell[])[];
}

export interface Column {
  title: string;
  /** Numbers go right. */
  align?: 'left' | 'right';
}

export interface Cell {
  text: string;
  /** Of a difference that chance does not explain. */
  tone?: 'better' | 'worse';
  /** In small letters below, such as an interval. */
  notes?: readonly Note[];
}

export type Note = Pick<Cell, 'text' | 'tone'>;

export const cell = (text: string, notes: readonly Note[] = []): Cell => ({ text, notes });
/** Where nothing was measured. */
export const NOTHING: Cell = { text: '–' };

import type { PplRecord } from './results.js';

/** Which document, length and method. */
export type Place = Pick<PplRecord, 'document' | 'length' | 'method' | 'patterns_sha256'>;

/** What was measured, by place. */
export interface Measurements {
  /** A later record of a place replaces an earlier one; a measurement is never replaced by a failure. */
  add(record: PplRecord): void;
  get(place: Place): PplRecord | undefined;
  has(place: Place): boolean;
  /** Everything, also what no place asks for now. */
  records(): PplRecord[];
}

export function createMeasurements(records: readonly PplRecord[] = []): Measurements {
  const found = new Map<string, PplRecord>();
  const measurements: Measurements = {
    add(record) {
      const key = keyOf(record);
      if (record.measurement || !found.get(key)?.measurement) found.set(key, record);
    },
    get: (place) => found.get(keyOf(place)),
    has: (place) => found.get(keyOf(place))?.measurement !== undefined,
    records: () => [...found.values()],
  };
  for (const record of records) measurements.add(record);
  return measurements;
}

/** Documents are told apart by what they say, so that a file may be renamed and a folder grow. */
const keyOf = ({ document, length, method, patterns_sha256 }: Place) =>
  JSON.stringify([document.sha256, length, method, patterns_sha256]);

/** A model on the Hub. */
export interface HubId {
  /** `org/name` */
  repo: string;
  /** Branch, tag or commit; `main` when the user gave none. */
  revision: string;
}

const PART = '[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?';
const HUB_ID = new RegExp(`^(${PART}/${PART})(?:@([A-Za-z0-9][A-Za-z0-9._/-]{0,127}))?$`);

/** `org/name` or `org/name@revision`; undefined when the text cannot be one. */
export function parseHubId(text: string): HubId | undefined {
  const match = HUB_ID.exec(text);
  if (!match || /--|\.\./.test(text) || /\.(git|ipynb)$/.test(match[1]!)) return undefined;
  return { repo: match[1]!, revision: match[2] ?? 'main' };
}

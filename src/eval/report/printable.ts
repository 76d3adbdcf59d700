/** Controls, marks that turn the direction of what follows, halves of characters, and others that nobody sees. */
const UNSEEN =
  /(?![\t\n])\p{Cc}|\p{Bidi_Control}|\p{Cs}|\p{Noncharacter_Code_Point}|\p{Zl}|\p{Zp}|[\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;
/** First of the pictures that Unicode has of the controls below 32. */
const PICTURES = 0x2400;
const PICTURE_OF_DELETE = '\u2421';

/** The text with everything made visible that is not, so that no answer can hide a part of itself or move others. */
export const printable = (text: string): string => text.replace(UNSEEN, picture);

function picture(character: string): string {
  const code = character.codePointAt(0)!;
  if (code < 32) return String.fromCodePoint(PICTURES + code);
  return code === 127 ? PICTURE_OF_DELETE : `\\u{${code.toString(16)}}`;
}

/** The beginning of a text of more than `max` characters, with how many are left out. */
export function shorten(text: string, max: number): string {
  if (text.length <= max) return text;
  return `${beginning(text, max)}… (${(text.length - max).toLocaleString('en-US')} more characters)`;
}

/** A name of `max` characters at most. */
export const shortName = (name: string, max: number): string =>
  name.length <= max ? name : `${beginning(name, max - 1)}…`;

/** Not cut within a character. */
const beginning = (text: string, length: number) => text.slice(0, length).replace(/[\ud800-\udbff]$/, '');

const PATH = /(?<![\w./\\-])(?:file:\/\/)?(?:~|\.{1,2})?(?:\/[^\s/"'`<>():,;]+)+\/([^\s/"'`<>():,;]+)/g;

/** The text with paths cut to their last part: where files lay on somebody's machine is nobody else's business. */
export const withoutFolders = (text: string): string => text.replace(PATH, '…/$1');

/** The same for a name, which may be a path with spaces. */
export const nameWithoutFolders = (name: string): string =>
  withoutFolders(name.replace(/(^|:)(?:~|\.{1,2})?\/(?:.*\/)?([^/]+)$/s, '$1…/$2'));

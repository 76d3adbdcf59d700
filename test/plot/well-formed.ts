/** Names of the elements of an XML text, in their order. @throws Error where it is not well-formed. */
export function elementsOf(xml: string): string[] {
  const names: string[] = [];
  const open: string[] = [];
  const markup = /<(\/?)([A-Za-z][\w:-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/y;
  for (let index = 0; index < xml.length; ) {
    if (xml[index] !== '<') {
      const end = xml.indexOf('<', index);
      const text = xml.slice(index, end < 0 ? undefined : end);
      if (/&(?!(?:amp|lt|gt|quot);)|>/.test(text)) throw new Error(`bare & or > in "${text}"`);
      if (open.length === 0 && text.trim() !== '') throw new Error(`text outside the root: "${text}"`);
      index += text.length;
      continue;
    }
    markup.lastIndex = index;
    const match = markup.exec(xml);
    if (!match) throw new Error(`not a tag: ${xml.slice(index, index + 80)}`);
    const [whole, closing, name, attributes, selfClosing] = match;
    if (/&(?!(?:amp|lt|gt|quot);)/.test(attributes!)) throw new Error(`bare & in ${whole}`);
    const keys = [...attributes!.matchAll(/([\w:-]+)=/g)].map(([, key]) => key);
    if (new Set(keys).size < keys.length) throw new Error(`an attribute twice in ${whole}`);
    if (closing) {
      if (open.pop() !== name) throw new Error(`</${name}> closes nothing`);
    } else {
      if (open.length === 0 && names.length > 0) throw new Error('two roots');
      names.push(name!);
      if (!selfClosing) open.push(name!);
    }
    index += whole.length;
  }
  if (open.length > 0) throw new Error(`<${open.at(-1)}> is not closed`);
  return names;
}

import { describe, expect, it } from 'vitest';
import { patternMap } from '../../search/pattern-map.js';
import { sampleFile } from '../patterns/sample-file.js';

describe('patternMap', () => {
  it('draws one cell per head, in the colour of its type, with its facts', () => {
    const svg = patternMap(sampleFile());
    expect(svg.match(/<title>layer \d+ head \d+: /g)).toHaveLength(8);
    expect(svg).toContain('layer 0 head 0: vertical-slash, vertical 1000, slash 6096, recall 0.97');
    expect(svg).toContain('tiny: answer, 20.0 % of dense at 1024 tokens');
    const fill = (title: string) => new RegExp(`fill="(#\\w+)" fill-opacity="([\\d.]+)"><title>${title}`).exec(svg)!;
    expect(fill('layer 0 head 0')[1]).not.toBe(fill('layer 0 head 1')[1]);
    expect(Number(fill('layer 0 head 0')[2])).toBeGreaterThan(Number(fill('layer 0 head 1')[2]));
  });

  it('is well-formed whatever the model is called', () => {
    const file = sampleFile();
    file.model.id = '<a href="x">&</a>';
    const svg = patternMap(file);
    expect(svg).toContain('&lt;a href=&quot;x&quot;&gt;&amp;&lt;/a&gt;');
    expect(svg.match(/<(?!\/|\?)[a-z]+[^>]*[^/]>/g)!.length).toBe(svg.match(/<\/[a-z]+>/g)!.length);
  });
});

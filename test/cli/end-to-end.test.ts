import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { patternFileSchema } from '../../src/patterns/pattern-file.js';
import { sharedFolder, temporaryFolder } from '../utils/temporary-folder.js';
import { ensureBuilt, ROOT } from './helpers/build.js';
import { cliCommand, runCli, start } from './helpers/run-cli.js';

/** The whole way on the embedded model, short enough for a busy machine: each step uses what the one before wrote. */
describe('the embedded model', () => {
  const folder = sharedFolder();
  const patterns = join(folder, 'patterns.json');
  const prompt = join(folder, 'prompt.txt');
  const needle = 'One of the special magic numbers for grumpy-otter is: 7481936.';
  const question =
    'What is the special magic number for grumpy-otter mentioned in the provided text? The special magic number for grumpy-otter mentioned in the provided text is';

  beforeAll(async () => {
    await ensureBuilt();
    const filler = 'The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again. ';
    const task = 'A special magic number is hidden within the following text. Make sure to memorize it.';
    writeFileSync(prompt, `${task}\n${filler.repeat(12)}${needle} ${filler.repeat(28)}\n${question}\n`);
  });

  // At 1,024 tokens the index alone costs an eighth of dense attention: 20 % would leave too little to answer well.
  it('search writes a pattern file and a map, and says what won in every layer', async () => {
    const result = await runCli(['search', '--length', '1k', '--budget', '60%', '--out', patterns]);
    expect(result.exitCode).toBe(0);
    const lines = result.stdout.split('\n');
    expect(lines[0]).toMatch(/layer +patterns +recall +answer error +error +cost/);
    expect(lines.slice(1, 9).map((line) => Number.parseInt(line, 10))).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(lines[9]).toMatch(/^ +all +\d+ \S+/);
    expect(result.stdout).toContain(`patterns   ${patterns}`);
    const file = patternFileSchema.parse(JSON.parse(readFileSync(patterns, 'utf8')));
    expect(file.layers).toHaveLength(8);
    expect(file.search).toMatchObject({ objective: 'answer', length: 1024 });
    expect(readFileSync(join(folder, 'patterns.svg'), 'utf8')).toContain('<svg');
  });

  it('search --json on stdout parses while progress goes to stderr', async () => {
    const args = ['search', '--length', '512', '--budget', '30%', '--out', join(folder, 'other.json'), '--json'];
    const result = await runCli(args);
    expect(JSON.parse(result.stdout)).toMatchObject({
      out: join(folder, 'other.json'),
      map: join(folder, 'other.svg'),
      length: 512,
      layers: Array.from({ length: 8 }, (_, layer) => expect.objectContaining({ layer })),
    });
    expect(result.stderr).toContain('search: 1 prompt in');
  });

  it('prefill answers with the patterns: text on stdout, where the time went on stderr', async () => {
    const args = ['prefill', '--patterns', patterns, '--prompt-file', prompt, '--max-new-tokens', '12'];
    const result = await runCli(args);
    expect(result.exitCode).toBe(0);
    expect(result.stdout).toContain('7481936');
    for (const title of ['load', 'tokenise', 'prefill', 'first token', 'answer', 'peak memory']) {
      expect(result.stderr).toMatch(new RegExp(`^${title} +\\S`, 'm'));
    }
    expect(result.stderr).toMatch(/^prefill .*index \S+, attention \S+, rest \S+/m);

    const quiet = await runCli([...args, '--quiet']);
    expect(quiet).toMatchObject({ exitCode: 0, stdout: result.stdout, stderr: '' });
  });

  it('prefill reads stdin and prints one object with --json', async () => {
    const args = ['prefill', '--patterns', patterns, '--max-new-tokens', '12', '--json'];
    const result = await runCli(args, { input: readFileSync(prompt) });
    const output = JSON.parse(result.stdout);
    expect(output).toMatchObject({ patterns, device: { kind: 'cpu' }, stopped: expect.stringMatching(/eos|length/) });
    expect(output.text).toContain('7481936');
    expect(output.promptTokens).toBeGreaterThan(900);
    expect(output.timeToFirstTokenMs).toBeGreaterThan(output.prefill.totalMs);
  });

  it('prefill --compare dense shows both', async () => {
    const args = ['prefill', '--patterns', patterns, '--prompt-file', prompt, '--max-new-tokens', '12'];
    const result = await runCli([...args, '--compare', 'dense']);
    expect(result.exitCode).toBe(0);
    expect(result.stdout).toMatch(/^ +sparse +dense +speed-up$/m);
    expect(result.stdout).toMatch(/^prefill +\S+ +\S+ +\d+\.\d\d×$/m);
    expect(result.stdout).toMatch(/^first token +(the same|different), KL\(dense ‖ sparse\) \d/m);
    expect(result.stdout).toMatch(/^sparse: .*7481936/m);
    expect(result.stdout).toMatch(/^dense: {2}.*7481936/m);
  });

  it('prefill --compare dense wants patterns', async () => {
    const result = await runCli(['prefill', '--patterns', 'dense', '--prompt', 'x', '--compare', 'dense']);
    expect(result).toMatchObject({ exitCode: 2, stdout: '' });
    expect(result.stderr).toContain('minference search');
  });

  it('eval niah prints the table and writes results and plots', async () => {
    const out = join(folder, 'niah');
    const grid = ['--lengths', '1k', '--depths', '2', '--tasks', 'single_1', '--methods', 'dense,minference'];
    const result = await runCli(['eval', 'niah', '--patterns', patterns, ...grid, '--out', out]);
    expect(result.exitCode).toBe(0);
    expect(result.stdout).toMatch(/^length +method +score .*speed-up$/m);
    expect(result.stdout).toMatch(/^ +1k +dense +100\.0/m);
    expect(result.stdout).toMatch(/^ +minference +\d/m);
    expect(result.stdout).toContain(join(out, 'heatmap.svg'));
    expect(readFileSync(join(out, 'heatmap.svg'), 'utf8')).toContain('<svg');
    expect(JSON.parse(readFileSync(join(out, 'results.json'), 'utf8')).aggregates).toHaveLength(2);
  });

  it('eval ppl prints the table and writes results and the picture', async () => {
    const out = join(folder, 'ppl');
    const args = ['--lengths', '256,1k', '--documents', '2', '--methods', 'dense,minference', '--out', out];
    const result = await runCli(['eval', 'ppl', '--patterns', patterns, ...args]);
    expect(result.exitCode).toBe(0);
    expect(result.stdout).toMatch(/^length +method +perplexity +by token +vs dense .*speed-up$/m);
    expect(result.stdout).toMatch(/^ +1k +dense +\d+\.\d{3} +\d+\.\d{3} +2 +100\.0 %/m);
    expect(result.stdout).toMatch(/^ +minference +\d+\.\d{3} +\d+\.\d{3} +[+−±]\d/m);
    expect(result.stdout).toMatch(/^documents +2 of haystack: cfi-en, /m);
    expect(readFileSync(join(out, 'curves.svg'), 'utf8')).toContain('<svg');
    expect(JSON.parse(readFileSync(join(out, 'results.json'), 'utf8')).rows).toHaveLength(4);
    const json = await runCli(['eval', 'ppl', '--patterns', patterns, ...args, '--json', '--quiet']);
    expect(JSON.parse(json.stdout)).toMatchObject({
      evaluation: 'ppl',
      measurements: { total: 8, resumed: 8, failed: 0 },
      device: { kind: expect.any(String), cpu: expect.any(String) },
    });
  });

  it('inspect --model shows every attention layer', async () => {
    const text = await runCli(['inspect', '--model']);
    expect(text.stdout).toMatch(/✔ attention +8 layers can be made sparse/);
    expect(text.stdout).toMatch(/✔ weights/);
    expect(text.stdout).toMatch(/✔ ONNX Runtime +1\.29/);
    const json = JSON.parse((await runCli(['inspect', '--model', '--json'])).stdout);
    expect(json.model.layers[0]).toMatchObject({ numHeads: 8, numKvHeads: 2, headDim: 64 });
    expect(json.native.gpu).toMatchObject({ usable: expect.any(Boolean), checks: expect.any(Array) });
  });
});

describe('pipes', () => {
  beforeAll(ensureBuilt);

  it.each([
    ['closed before anything is read', 'true'],
    ['closed after a line', 'head -n 1'],
  ])('%s: the command ends quietly', async (_name, reader) => {
    const result = await start('bash', ['-c', `${cliCommand(['inspect'])} | ${reader}; echo "\${PIPESTATUS[0]}"`])
      .result;
    expect(result.stdout.trimEnd().split('\n').at(-1)).toBe('0');
    expect(result.stderr).toBe('');
  });

  it('an answer that nobody reads stops the work', async () => {
    const args = [
      'prefill',
      '--patterns',
      'dense',
      '--prompt',
      'Tell me a story',
      '--max-new-tokens',
      '100000',
      '--quiet',
    ];
    const result = await start('bash', ['-c', `${cliCommand(args)} | head -c 4; echo`]).result;
    expect(result.stderr).toBe('');
    expect(result.stdout.length).toBeLessThanOrEqual(12);
  });
});

it('says what to do when the build is missing', async () => {
  const folder = temporaryFolder();
  cpSync(join(ROOT, 'bin'), join(folder, 'bin'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  const result = await start(process.execPath, [join(folder, 'bin/minference.js'), '--help']).result;
  expect(result).toMatchObject({ exitCode: 1, stdout: '' });
  expect(result.stderr).toMatch(
    /error: expected the built CLI at .*dist\/src\/cli\/main\.js, found nothing\nhint: npm run build/,
  );
  expect(existsSync(join(folder, 'dist'))).toBe(false);
});

it('says what to do when Node is too old', async () => {
  const args = ['--require', join(ROOT, 'test/cli/fixtures/old-node.cjs'), join(ROOT, 'bin/minference.js'), '--help'];
  const result = await start(process.execPath, args).result;
  expect(result).toMatchObject({ exitCode: 1, stdout: '' });
  expect(result.stderr).toBe('error: expected Node.js 20.19 or newer, found 20.18.3\nhint: https://nodejs.org\n');
});

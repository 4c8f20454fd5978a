import { lookup as lookUp } from 'node:dns';
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { DskdError, isDskdError } from '@dskd/base';
import ipaddr from 'ipaddr.js';

export interface FetchRules {
  /** Hosts of URLs that are followed: `images.example.com`, or with a port, `images.example.com:8443`. */
  readonly imageHosts: readonly string[];
  /** Whether their addresses may be those of a private network, or of this machine. */
  readonly privateImageHosts: boolean;
  /** Most bytes of an image. */
  readonly maxBody: number;
}

function refused(message: string, hint: string, cause?: unknown): DskdError {
  return new DskdError('invalid-argument', message, { hint, ...(cause !== undefined && { cause }) });
}

function failed(host: string, reason: string, cause?: unknown): DskdError {
  return new DskdError('download-failed', `An image could not be read from ${host}: ${reason}.`, {
    hint: 'Open the URL from the machine of the server, or send the image itself.',
    ...(cause !== undefined && { cause }),
  });
}

/** Whether an address belongs to the public internet: no private network, loopback, link, multicast or reserved range. */
function isPublic(address: string): boolean {
  // An IPv4 address inside of an IPv6 address counts as what it is.
  return ipaddr.isValid(address) && ipaddr.process(address).range() === 'unicast';
}

/** @throws {DskdError} `invalid-argument` */
function checkedUrl(text: string, { imageHosts, privateImageHosts }: FetchRules): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw refused(
      `Got the URL ${JSON.stringify(text.slice(0, 200))}, wanted one with https or http.`,
      'Send the image itself.',
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw refused('Got a URL with a user or a password.', 'Leave them out: they would be passed on.');
  }
  // The port of the scheme is not part of `host`: an entry without a port allows that one only.
  if (!imageHosts.some((host) => host.toLowerCase() === url.host)) {
    throw refused(
      `Images are not read from the host ${url.host}.`,
      imageHosts.length === 0
        ? 'The server was started without hosts of images. Send the image itself.'
        : `Hosts of images are: ${imageHosts.join(', ')}.`,
    );
  }
  const address = url.hostname.replace(/^\[|\]$/g, '');
  // Such a host is not looked up.
  if (isIP(address) !== 0 && !privateImageHosts && !isPublic(address)) throw privateAddress(url.host);
  return url;
}

function privateAddress(host: string): DskdError {
  return refused(
    `The host ${host} has an address of a private network, or of the server itself.`,
    'Only a server that allows private hosts of images reads from there.',
  );
}

/** Looks a host up, and refuses it if any of its addresses is private. The connection goes to what was checked. */
function guardedLookup(host: string): LookupFunction {
  return (hostname, options, done) => {
    lookUp(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return done(error, '');
      if (addresses.some(({ address }) => !isPublic(address))) return done(privateAddress(host), '');
      const [first] = addresses;
      if (options.all === true) return done(null, addresses);
      return done(null, first!.address, first!.family);
    });
  };
}

async function bodyOf(response: IncomingMessage, { maxBody }: FetchRules): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBody) {
      throw new DskdError('too-large', `The image of a URL has more than ${maxBody} bytes.`, {
        details: { most: maxBody },
      });
    }
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/**
 * Reads an image from a URL of an allowed host. Redirects are not followed: the other host was not asked for.
 * @throws {DskdError} `invalid-argument` for a host that is not allowed or whose address is private, `download-failed`, `too-large`
 */
export async function fetchImage(text: string, rules: FetchRules, signal: AbortSignal): Promise<Uint8Array> {
  const url = checkedUrl(text, rules);
  const start = url.protocol === 'https:' ? requestHttps : requestHttp;
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = start(url, {
        // A connection of its own: one that is kept was checked for another request.
        agent: false,
        signal,
        headers: { accept: 'image/*', 'accept-encoding': 'identity' },
        ...(!rules.privateImageHosts && { lookup: guardedLookup(url.host) }),
      });
      request.on('response', resolve).on('error', reject).end();
    });
    const { statusCode = 0 } = response;
    if (statusCode !== 200) {
      response.destroy();
      const isRedirect = statusCode >= 300 && statusCode < 400;
      throw failed(
        url.host,
        `it answered ${statusCode}${isRedirect ? ', and redirects are not followed' : ''}`,
      );
    }
    return await bodyOf(response, rules);
  } catch (error) {
    if (signal.aborted || isDskdError(error)) throw error;
    throw failed(url.host, error instanceof Error ? error.message : String(error), error);
  }
}

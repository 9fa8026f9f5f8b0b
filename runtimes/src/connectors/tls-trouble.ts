/**
 * Why no trusted TLS connection could be made, by the code that Node gives, in words that say what to
 * do. All of it is waited for: certificates, CA_BUNDLE and clocks are repaired while we run.
 */

const unknownAuthority =
  'nobody who is trusted here has signed the server’s certificate; ' +
  'add its authority to CA_BUNDLE of the backends Secret, or correct the address';
const otherName =
  'the server’s certificate is for another name; give it one for the name in the address';

const byCode: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'the server’s certificate has expired; renew it',
  CERT_NOT_YET_VALID: 'the server’s certificate is not valid yet; correct it, or the clocks',
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownAuthority,
  ERR_TLS_CERT_ALTNAME_INVALID: otherName,
  HOSTNAME_MISMATCH: otherName,
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
};

/** Undefined for a code that has nothing to do with TLS. */
export function tlsTrouble(code: string): string | undefined {
  const known = byCode[code];
  if (known !== undefined) return `${known} (${code})`;
  if (/^(EPROTO$|ERR_SSL_)/.test(code)) {
    return `no TLS connection could be made (${code}); check that the server speaks TLS at this address`;
  }
  if (/CERT|TLS|SSL|SIGNATURE|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH/.test(code)) {
    return `no trusted TLS connection could be made (${code}); check the server’s certificate and CA_BUNDLE`;
  }
  return undefined;
}
